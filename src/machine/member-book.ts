/**
 * Who belongs to the cluster, by name and address: carried by each entry that changes the membership, whole, as it is after
 * the change, so that no such entry needs the ones before it.
 *
 * Always: an id is in `members` once or not at all, and never in both lists. Who is removed does not come back under its id:
 * what it said may still be on its way, and must not be taken for what a new member says.
 */
import { LIMITS } from '../base/limits.js'
import { quote } from '../base/quote.js'

export interface MemberAddress {
  readonly id: number
  /** Empty until its process has said it. */
  readonly name: string
  readonly address: string
}

/** A member as the book has it. What is left out nobody has said. */
export interface MemberRecord extends MemberAddress {
  /** Where clients reach it, as it announced itself; at least one. */
  readonly clientUrls?: readonly string[]
  /** A learner that is to be made a voter by whoever leads when it has caught up (member/promoter.ts). */
  readonly becomesVoter?: true
}

export interface MemberBook {
  /** Voters and learners, in the order in which they came. */
  readonly members: readonly MemberRecord[]
  /** Who was one, the latest last; of those before the last `LIMITS.removedMembersMax` nothing is known any more. */
  readonly removed: readonly number[]
}

/** Who is counted, and who only gets the log: the same as the configurations of the consensus core (raft/types.ts). */
export interface MemberSets {
  readonly voters: readonly number[]
  readonly outgoing: readonly number[]
  readonly learners: readonly number[]
  readonly learnersNext: readonly number[]
  readonly autoLeave: boolean
}

/** What the state knows of the cluster: since the entry at `index`. */
export interface Membership {
  readonly index: number
  readonly configuration: MemberSets
  readonly book: readonly MemberRecord[]
  readonly removed: readonly number[]
}

/** How it is spoken of: one without a name by where it is reached. */
export function calledOf({ name, address }: Pick<MemberAddress, 'name' | 'address'>): string {
  return name === '' ? `the member at ${quote(address)}` : quote(name)
}

/** Whether versions of before announcements could not read what is said of one of them. */
export function hasRecords(members: readonly MemberRecord[]): boolean {
  return members.some(({ clientUrls, becomesVoter }) => clientUrls !== undefined || becomesVoter === true)
}

/** What is wrong with a text about a member, if anything: it is too long to be told to others. */
export function tooLongText(what: 'name' | 'address' | 'client URL', text: string): string | undefined {
  const bytes = Buffer.byteLength(text, 'utf8')
  if (bytes <= LIMITS.memberTextBytesMax) return undefined
  return `the ${what} of a member has ${bytes} bytes, at most ${LIMITS.memberTextBytesMax} are possible`
}

/** The book without those whom the configuration does not know any more: they are removed. */
export function prunedBook({ members, removed }: MemberBook, { voters, outgoing, learners }: MemberSets): MemberBook {
  const belongs = new Set([...voters, ...outgoing, ...learners])
  const gone = members.filter(({ id }) => !belongs.has(id)).map(({ id }) => id)
  if (gone.length === 0) return { members, removed }
  return { members: members.filter(({ id }) => belongs.has(id)), removed: withRemoved(removed, gone) }
}

function withRemoved(removed: readonly number[], gone: readonly number[]): readonly number[] {
  return [...removed.filter((id) => !gone.includes(id)), ...gone].slice(-LIMITS.removedMembersMax)
}

/**
 * What becomes of a wish to change the membership, by what its leader knows: a proposal, nothing since it is done already,
 * or a refusal that says why, with the numbers.
 *
 * Always: what is wished for again when it is done is done: whoever lost the answer asks again, also of another leader.
 * Always (etcd's strict rules): nothing is proposed that needs a quorum of voters of which fewer answer and keep their
 * promises now. It could not be committed, and nothing else could be afterwards, not even taking it back. Whose address
 * changes does not count towards it: the address may be wrong, or nobody be there yet.
 * Always: nothing is written that a member could not read which is known to be of an older version. What members announce by
 * themselves, and nobody asked for, is written for the first time only once all other voters were seen to be able to read it.
 */
import { assertNever } from '../base/assert.js'
import type { ErrorCode } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { quote } from '../base/quote.js'
import {
  calledOf,
  hasRecords,
  tooLongText,
  type MemberAddress,
  type MemberBook,
  type MemberRecord,
} from '../machine/member-book.js'
import type { MemberChange } from '../raft/confchange/change.js'
import type { CompleteConfiguration } from '../raft/configuration.js'
import type { NodeId } from '../raft/types.js'
import { needsRecords, type MembersChange } from './members-change.js'

export interface Deciding {
  readonly leader: NodeId
  /** By the log, all of which is applied. */
  readonly book: MemberBook
  readonly configuration: CompleteConfiguration
  /** Whether a member was heard from within an election timeout, at the address that it has now, and keeps its promises. */
  readonly counts: (id: NodeId) => boolean
  /** Those that speak a version without changes of the membership. */
  readonly tooOld: readonly MemberAddress[]
  /** Those whose version reads no more of a member than its name and address. */
  readonly withoutRecords: readonly MemberAddress[]
  /** Those of whose version nothing is known: not connected since the process of the leader began. */
  readonly unseen: readonly MemberAddress[]
}

export type Decided =
  | { readonly type: 'done' }
  | { readonly type: 'refused'; readonly code: ErrorCode; readonly message: string }
  /** The leader itself is to go: whoever leads next does it. */
  | { readonly type: 'hand-over' }
  | { readonly type: 'propose'; readonly change: MemberChange; readonly book: MemberBook }

export function decideChange(change: MembersChange, deciding: Deciding): Decided {
  const decided = decideStep(change, deciding)
  if (decided.type !== 'propose') return decided
  const { tooOld, withoutRecords, leader } = deciding
  if (tooOld.length > 0) return ofOldVersion(tooOld, 'changes of members')
  const says = needsRecords(change) || hasRecords(decided.book.members)
  if (says && withoutRecords.length > 0) return ofOldVersion(withoutRecords, 'what members announce')
  const unseen = change.type === 'announce' ? unseenBefore(change.id, deciding) : []
  if (unseen.length > 0) return ofUnknownVersion(unseen)
  const risk = riskOf(change, decided, deciding)
  if (risk !== undefined) return risk
  return change.type === 'remove' && change.id === leader ? { type: 'hand-over' } : decided
}

/**
 * Who may be of a version that could not read the first record. Nobody, once there is one: whatever is in the log, or in the
 * state, asks no more of its reader than what is there already. So a member that is gone for ever holds up nobody where all
 * were there once; where it never was, it is started, removed or replaced first. Who announces can read what it announces, and
 * learners are waited for by nobody: most of them are about to be started.
 */
function unseenBefore(self: NodeId, { book, unseen, configuration }: Deciding): readonly MemberAddress[] {
  if (hasRecords(book.members)) return []
  return unseen.filter(({ id }) => id !== self && configuration.voters.includes(id))
}

function decideStep(change: MembersChange, { book, configuration }: Deciding): Decided {
  const { members, removed } = book
  const found = members.find(({ id }) => id === change.id)
  if (change.type === 'add-learner') return add(change, book, found, configuration.learners)
  if (change.type === 'remove' && removed.includes(change.id)) return DONE
  if (found === undefined) {
    const was = removed.includes(change.id) ? 'was removed from the cluster' : 'is not in the cluster'
    return refused('MEMBER_NOT_FOUND', `Member ${change.id} ${was}.`)
  }
  switch (change.type) {
    case 'promote':
      if (configuration.voters.includes(change.id)) return DONE
      return {
        ...{ type: 'propose', change: { type: 'voter', id: change.id } },
        book: withMember(book, change.id, ({ becomesVoter: _, ...member }) => member),
      }
    case 'announce':
      return announce(change, book, found)
    case 'remove': {
      const without = { members: members.filter(({ id }) => id !== change.id), removed: [...removed, change.id] }
      return { type: 'propose', change: { type: 'remove', id: change.id }, book: bounded(without) }
    }
    case 'update': {
      const { id, address } = change
      if (found.address === address) return DONE
      const other = members.find((member) => member.address === address)
      if (other !== undefined) return refused('ADDRESS_TAKEN', `${calledOf(other)} has the address ${address} already.`)
      const wrong = tooLongText('address', address)
      if (wrong !== undefined) return refused('REQUEST_TOO_LARGE', wrong)
      const updated = withMember(book, id, (member) => ({ ...member, address }))
      return { type: 'propose', change: { type: 'update', id }, book: updated }
    }
    default:
      return assertNever(change, 'change of members')
  }
}

function add(
  { id, name, address, becomesVoter }: Extract<MembersChange, { readonly type: 'add-learner' }>,
  book: MemberBook,
  found: MemberRecord | undefined,
  learners: readonly NodeId[],
): Decided {
  const { members, removed } = book
  if (found !== undefined) {
    // Who asks again may ask after the process has said its name.
    if ((found.name === name || name === '') && found.address === address) {
      if (becomesVoter !== true || found.becomesVoter === true || !learners.includes(id)) return DONE
      const marked = withMember(book, id, (member) => ({ ...member, becomesVoter: true }))
      return { type: 'propose', change: { type: 'update', id }, book: marked }
    }
    return refused(
      'MEMBER_EXISTS',
      `Member ${id} is in the cluster already, as ${calledOf(found)} at ${found.address}.`,
    )
  }
  if (removed.includes(id))
    return refused('MEMBER_EXISTS', `A member with the id ${id} was removed; ids are not used again.`)
  const namesake = namesakeOf(name, members)
  if (namesake !== undefined) {
    return refused('MEMBER_EXISTS', `There is a member ${quote(name)} already, at ${namesake.address}.`)
  }
  const other = members.find((member) => member.address === address)
  if (other !== undefined) return refused('ADDRESS_TAKEN', `${calledOf(other)} has the address ${address} already.`)
  if (members.length >= LIMITS.membersMax) {
    return refused('TOO_MANY_MEMBERS', `The cluster has ${members.length} members, the limit.`)
  }
  const wrong = tooLongText('name', name) ?? tooLongText('address', address)
  if (wrong !== undefined) return refused('REQUEST_TOO_LARGE', wrong)
  const member: MemberRecord = { id, name, address, ...(becomesVoter && { becomesVoter }) }
  return { type: 'propose', change: { type: 'learner', id }, book: { members: [...members, member], removed } }
}

/** Name and address that are known stay: others go by them, and change them where they are to be changed. */
function announce(
  { id, name, address, clientUrls }: Extract<MembersChange, { readonly type: 'announce' }>,
  book: MemberBook,
  found: MemberRecord,
): Decided {
  const others = book.members.filter((member) => member.id !== id)
  const namesake = found.name === '' ? namesakeOf(name, others) : undefined
  if (namesake !== undefined) {
    return refused('MEMBER_EXISTS', `There is a member ${quote(name)} already, at ${namesake.address}.`)
  }
  const isTaken = others.some((other) => other.address === address)
  const { clientUrls: before, ...rest } = found
  const urls = clientUrls ?? before ?? []
  const announced: MemberRecord = {
    ...rest,
    ...(found.name === '' && { name }),
    ...(found.address === '' && !isTaken && { address }),
    ...(urls.length > 0 && { clientUrls: urls }),
  }
  if (isSame(announced, found)) return DONE
  return { type: 'propose', change: { type: 'update', id }, book: withMember(book, id, () => announced) }
}

function isSame(a: MemberRecord, b: MemberRecord): boolean {
  const [urlsA, urlsB] = [a.clientUrls ?? [], b.clientUrls ?? []]
  const sameUrls = urlsA.length === urlsB.length && urlsA.every((url, at) => url === urlsB[at])
  return sameUrls && a.name === b.name && a.address === b.address
}

function namesakeOf(name: string, members: readonly MemberRecord[]): MemberRecord | undefined {
  return name === '' ? undefined : members.find((member) => member.name === name)
}

function withMember(
  { members, removed }: MemberBook,
  id: NodeId,
  to: (member: MemberRecord) => MemberRecord,
): MemberBook {
  return { members: members.map((member) => (member.id === id ? to(member) : member)), removed }
}

function ofOldVersion(members: readonly MemberAddress[], of: string): Decided {
  const run = members.length === 1 ? 'runs' : 'run'
  const names = members.map(calledOf).join(', ')
  return refused('MEMBERS_TOO_OLD', `${names} ${run} a version that knows nothing of ${of}. Upgrade first.`)
}

function ofUnknownVersion(members: readonly MemberAddress[]): Decided {
  const [names, were] = [members.map(calledOf).join(', '), members.length === 1 ? 'was' : 'were']
  return refused(
    'MEMBERS_TOO_OLD',
    `${names} ${were} not seen since the process of the leader began, and may run a version that cannot read what members ` +
      'announce. Start what is to stay, and remove or replace what is gone.',
  )
}

function riskOf(
  wish: MembersChange,
  { change, book }: Extract<Decided, { type: 'propose' }>,
  { configuration, counts, book: before }: Deciding,
): Decided | undefined {
  const { voters } = configuration
  if (wish.type === 'update') return riskOfMoving(change.id, book, configuration.voters, counts)
  // Nobody comes or goes, and nobody is to be found elsewhere.
  if (change.type === 'update') return undefined
  if (change.type === 'voter' && !counts(change.id)) {
    const learner = nameIn(before, change.id) ?? `${change.id}`
    return refused(
      'LEARNER_NOT_READY',
      `${learner} does not answer, or has not caught up with the leader since it came.`,
    )
  }
  const after =
    change.type === 'voter'
      ? [...voters, change.id]
      : voters.filter((id) => change.type !== 'remove' || id !== change.id)
  if (after.length === 0)
    return refused('QUORUM_AT_RISK', 'It is the only voter: without it nobody could decide anything.')
  const needed = Math.floor(after.length / 2) + 1
  const silent = after.filter((id) => !counts(id))
  if (after.length - silent.length >= needed) return undefined
  return refused(
    'QUORUM_AT_RISK',
    `After the change ${needed} of ${after.length} voters are needed, and ${after.length - silent.length} would be there: ` +
      whoIsSilent(silent, (id) => nameIn(book, id) ?? nameIn(before, id)),
  )
}

/** Nobody knows whether a member is found at an address before it is: until then the others have to be a quorum without it. */
function riskOfMoving(
  moved: NodeId,
  book: MemberBook,
  voters: readonly NodeId[],
  counts: (id: NodeId) => boolean,
): Decided | undefined {
  if (!voters.includes(moved) || voters.length === 1) return undefined
  const others = voters.filter((id) => id !== moved)
  const silent = others.filter((id) => !counts(id))
  const needed = Math.floor(voters.length / 2) + 1
  const there = others.length - silent.length
  if (there >= needed) return undefined
  const why =
    others.length < needed
      ? 'of two voters neither can do without the other. Add a third one first.'
      : whoIsSilent(silent, (id) => nameIn(book, id))
  return refused(
    'QUORUM_AT_RISK',
    `Until ${nameIn(book, moved) ?? moved} is found at its new address ${needed} of ${voters.length} voters are needed without it, ` +
      `and ${there} would be there: ${why}`,
  )
}

function whoIsSilent(silent: readonly NodeId[], nameOf: (id: NodeId) => string | undefined): string {
  const names = silent.map((id) => nameOf(id) ?? `${id}`).join(', ')
  return silent.length === 1
    ? `${names} does not answer, or lost its promises and has not caught up.`
    : `${names} do not answer, or lost their promises and have not caught up.`
}

function nameIn({ members }: MemberBook, id: NodeId): string | undefined {
  const found = members.find((member) => member.id === id)
  return found && calledOf(found)
}

function bounded({ members, removed }: MemberBook): MemberBook {
  return { members, removed: removed.slice(-LIMITS.removedMembersMax) }
}

function refused(code: ErrorCode, message: string): Decided {
  return { type: 'refused', code, message }
}

const DONE: Decided = { type: 'done' }

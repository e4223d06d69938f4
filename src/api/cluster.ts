/**
 * Who belongs to the cluster, and changing it while it runs, as users of a store see it.
 *
 * Everything here is safe to call again: what is done already is not done twice, and what a call that timed out left half
 * done the next one goes on with. Only one change is under way in a cluster at a time; further ones wait for their turn.
 */
import type { CallOptions } from './call-options.js'
import { checkFields, kind, type Fields } from './check-fields.js'
import { CALL_FIELDS } from './check-call.js'
import type { Consistency } from './consistency.js'
import { checkMemberId, type MemberId } from './member-id.js'
import { LIMITS } from '../base/limits.js'

/** `voter`: it counts towards the majority. `learner`: it gets everything, serves reads, and is not counted. */
export type MemberRole = 'voter' | 'learner'

export interface ClusterMember {
  /** Of this member alone, for good: one that is removed and added again gets another. */
  readonly id: MemberId
  /** Empty of one that was added without a name, until its process was started and has said it. */
  readonly name: string
  /** Where the other members reach it. */
  readonly address: string
  readonly role: MemberRole
  /** A learner that the cluster makes a voter by itself, as soon as it has caught up. */
  readonly becomesVoter: boolean
  /** Where clients reach it, as it has {@link Cluster.announce}d; empty until then. */
  readonly clientUrls: readonly string[]
}

/** A member: by its name, or by its id. */
export type MemberSelection = string | { readonly id: MemberId }

export interface NewMember {
  /**
   * The `name` that it is opened with. Of no other member. Left out, it is whoever comes from that address, and it is the process
   * that says its name: `open({ join, name, advertise })`.
   */
  readonly name?: string | undefined
  /** Where the others reach it: the address that it is opened with, `advertise` or `listen`. Of no other member. */
  readonly address: string
  /** What it is to be in the end. Default `voter`. */
  readonly role?: MemberRole | undefined
}

/** How far a change has come that makes somebody a member. */
export interface MemberProgress {
  /**
   * `adding`: it is made a learner. `catching-up`: it is given what the others have; it takes as long as that takes, and
   * until its process runs. `promoting`: it is made a voter. `removing`: of {@link Cluster.replace}, the old one goes. `done`.
   */
  readonly step: 'adding' | 'catching-up' | 'promoting' | 'removing' | 'done'
  /** How much of the log it has, of 100, rounded down; 0 until its process was heard from. */
  readonly percent: number
}

export interface MemberChangeOptions extends CallOptions {
  /**
   * Milliseconds for all steps together, after which the call ends with `TIMEOUT`, and what was done stays done. Default
   * LIMITS.memberChangeMs, ten minutes: a newcomer must be started, and gets the whole state.
   */
  readonly timeoutMs?: number | undefined
  /** Told of each step, and when the per cent have changed. What it throws is dropped. */
  readonly onProgress?: ((progress: MemberProgress) => void) | undefined
}

export interface AddMemberOptions extends MemberChangeOptions {
  /**
   * Whether to wait until the new member is what it is to be. With `false` the call resolves once it is recorded that there is
   * such a member, and what it is to become: the cluster makes it a voter by itself, whoever leads then. Default true.
   */
  readonly wait?: boolean | undefined
}

/** What a member tells of itself. */
export interface Announcement {
  /** Where clients reach it: at most LIMITS.clientUrlsMax, each of at most LIMITS.memberTextBytesMax bytes. */
  readonly clientUrls: readonly string[]
}

export interface ListMembersOptions extends CallOptions, Consistency {}

/**
 * With authorization enabled the list is for every user, all else for those with the role `root`.
 *
 * All changes reject with `QUORUM_AT_RISK` where too few members answer for the changed cluster to go on, with the numbers;
 * `MEMBERS_TOO_OLD` while a member runs that is of a version without changes of members; `TIMEOUT`, `ABORTED`.
 */
export interface Cluster {
  /**
   * All members, in the order of their names: as the cluster has decided before this call, or, with
   * `{ consistency: 'local' }`, as this member knows, also without a leader.
   */
  list(options?: ListMembersOptions): Promise<readonly ClusterMember[]>

  /**
   * Makes somebody a member: adds it as a learner, and waits until it has what the others have and was made a voter. Its process
   * is started with `open({ join })` before or after the call. While it catches up it counts for nothing, so that a newcomer
   * that never comes does no harm, but for the `TIMEOUT` at the end: the cluster makes it a voter all the same when it comes;
   * call again to wait on, or {@link remove} it.
   *
   * Resolves at once where there is such a member. Rejects with `MEMBER_EXISTS` where another address goes by the name,
   * `ADDRESS_TAKEN`, `ADDRESS_INVALID`, `TOO_MANY_MEMBERS`.
   *
   * @example
   * const adding = store.cluster.add({ name: 'd', address: '10.0.0.4:7001' })
   * // on the machine of d: open({ name: 'd', join: ['10.0.0.1:7001'], listen: '10.0.0.4:7001', dataDir: './d' })
   * await adding
   *
   * @example
   * // As etcd adds members: answered at once, and named by the process that is started for it.
   * await store.cluster.add({ address: '10.0.0.4:7001' }, { wait: false })
   */
  add(member: NewMember, options?: AddMemberOptions): Promise<ClusterMember>

  /**
   * Tells the cluster how clients reach the member that this store is of; {@link list} has it then, on all members. Nothing is
   * written where it is known already, so that it may be said again at each start. Only one that runs in this process can
   * tell: of one that is reached over the network this is refused. Rejects with `MEMBERS_TOO_OLD` while a
   * member runs that is of a version without announcements, `TIMEOUT`, `ABORTED`.
   *
   * @example
   * await store.cluster.announce({ clientUrls: ['http://10.0.0.4:2379'] })
   */
  announce(announcement: Announcement, call?: CallOptions): Promise<void>

  /**
   * Takes somebody out, whether it runs or not: one that runs stops (`status().role` is `removed`), this one too. Its id is
   * never used again. Resolves with whether there was such a member.
   */
  remove(member: MemberSelection, call?: CallOptions): Promise<boolean>

  /**
   * Puts a new member in the place of an old one, which need not run any more: adds the new one as {@link add} does, and only
   * then removes the old one. Called again it goes on where it was; so where the new one has been a voter all the time, the old
   * one is only removed. The names differ: a member whose directory is lost is
   * started anew under its own name with `open({ rejoin: true })` or `open({ join })`, and needs no change.
   *
   * Rejects as {@link add}, and with `MEMBER_NOT_FOUND` where neither is there.
   *
   * @example
   * await store.cluster.replace('c', { name: 'd', address: '10.0.0.4:7001' }, { onProgress: console.log })
   */
  replace(old: MemberSelection, member: NewMember, options?: MemberChangeOptions): Promise<ClusterMember>

  /**
   * Tells all members another address of one of them, which is then opened with that (`advertise` or `listen`). Ask any other
   * one: it hears nothing until it is found there. Rejects with `QUORUM_AT_RISK` where the others are no quorum without it, as
   * of two members; `MEMBER_NOT_FOUND`, `ADDRESS_TAKEN`, `ADDRESS_INVALID`.
   */
  update(member: MemberSelection, change: { readonly address: string }, call?: CallOptions): Promise<ClusterMember>

  /**
   * Makes a learner a voter. Resolves at once where it is one. Rejects with `LEARNER_NOT_READY` while it lacks too much,
   * `MEMBER_NOT_FOUND`.
   */
  promote(member: MemberSelection, call?: CallOptions): Promise<ClusterMember>

  /**
   * Hands leadership to a voter, or to the one that has most of the log, and resolves when it leads. Writes wait meanwhile, for
   * an election timeout at most: then it is given up, with `TIMEOUT`. Rejects with `TRANSFEREE_INVALID` for a member that is no
   * voter or does not answer, `MEMBER_NOT_FOUND`.
   *
   * @example
   * await store.cluster.moveLeader() // before the machine of the leader is restarted
   */
  moveLeader(to?: MemberSelection, call?: CallOptions): Promise<void>
}

const NEW_MEMBER: Fields<NewMember> = { name: true, address: true, role: true }
const ANNOUNCEMENT: Fields<Announcement> = { clientUrls: true }
const SELECTION = { id: true } as const
const ROLES: Readonly<Record<MemberRole, true>> = { voter: true, learner: true }

/** @internal */
export const MEMBER_CHANGE_CALL: Fields<MemberChangeOptions> = { ...CALL_FIELDS, onProgress: true }
/** @internal */
export const ADD_MEMBER_CALL: Fields<AddMemberOptions> = { ...MEMBER_CHANGE_CALL, wait: true }
/** @internal */
export const LIST_MEMBERS_CALL: Fields<ListMembersOptions> = { ...CALL_FIELDS, consistency: true }

/** @internal Complete but for its name. Throws TypeError for what is no new member. */
export function newMemberOf(given: NewMember): NewMember & { readonly role: MemberRole } {
  if (given === undefined) throw new TypeError('a new member is missing: { name, address }, say')
  checkFields(given, NEW_MEMBER, 'a new member')
  const { name, address, role = 'voter' } = given
  if (name !== undefined) checkText(name, 'the name of a member')
  checkAddressText(address)
  if (typeof role !== 'string' || !Object.hasOwn(ROLES, role)) {
    throw new TypeError(`the role of a member must be 'voter' or 'learner', not ${String(role)}`)
  }
  return { name, address, role }
}

/** @internal A copy. Throws TypeError or RangeError. */
export function clientUrlsOf(given: Announcement): readonly string[] {
  if (given === undefined) throw new TypeError('what is to be announced is missing: announce({ clientUrls })')
  checkFields(given, ANNOUNCEMENT, 'announce()')
  const { clientUrls } = given
  if (!Array.isArray(clientUrls)) throw new TypeError(`clientUrls must be a list of URLs, not ${kind(clientUrls)}`)
  const urls = [...(clientUrls as readonly string[])]
  if (urls.length > LIMITS.clientUrlsMax) {
    throw new RangeError(`clientUrls has ${urls.length} URLs, at most ${LIMITS.clientUrlsMax} are announced`)
  }
  urls.forEach((url, at) => {
    checkText(url, `URL ${at + 1} of clientUrls`)
    const bytes = Buffer.byteLength(url)
    if (bytes <= LIMITS.memberTextBytesMax) return
    throw new RangeError(
      `URL ${at + 1} of clientUrls has ${bytes} bytes, at most ${LIMITS.memberTextBytesMax} are possible`,
    )
  })
  return urls
}

/** @internal Throws TypeError. */
export function checkAddressText(address: unknown): void {
  checkText(address, 'the address of a member')
}

/** @internal Throws TypeError or RangeError for what selects no member. */
export function checkSelection(member: MemberSelection): void {
  if (typeof member === 'string') {
    checkText(member, 'the name of a member')
    return
  }
  if (typeof member !== 'object' || member === null) {
    throw new TypeError(`a member is given by its name or as { id }, not as ${kind(member)}`)
  }
  checkFields(member, SELECTION, 'a member that is given by its id')
  checkMemberId(member.id, 'the id of a member')
}

function checkText(text: unknown, what: string): void {
  if (typeof text !== 'string') throw new TypeError(`${what} must be a string, not ${kind(text)}`)
  if (text === '') throw new TypeError(`${what} must not be empty`)
  if (!text.isWellFormed()) throw new TypeError(`${what} must be well-formed text, it holds half of a surrogate pair`)
}

/**
 * The replicated state machine: entries of the log in, outcomes, events and changed records out.
 *
 * Synchronous and deterministic: its state is a function of the entries applied, on every member alike. Each command is
 * applied at most once (origins.ts). A refusal is an outcome like another; it too uses up its proposal.
 *
 * Always: nothing is performed, and nothing but who may do what is looked at, before who asks is allowed all of it, by the
 * users and roles as the entries before have left them. So a refusal tells nothing of keys that the caller may not reach.
 * Always: entries come in order, without gaps; the applied position covers exactly what was applied.
 * Always: `checkpoint` comes between two entries, right before what the backend gathered is committed, so that the records
 * on disk are the state at the applied position they hold.
 * A failure that is no refusal (a damaged record, a broken invariant) leaves the state half-changed: the machine refuses
 * to go on, and above all to be written.
 */
import { AuthStore } from '../auth/auth-store.js'
import { authorize, stillIdentified } from '../auth/authorize.js'
import { assert, assertNever } from '../base/assert.js'
import { addDigest, describeDigest, EMPTY_DIGEST, equalDigest, hash64, type Digest } from '../base/checksum.js'
import { Writer } from '../base/codec.js'
import { damaged } from '../base/damaged-state.js'
import { isStoreError, StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { Lessor } from '../lease/lessor.js'
import { decodeLease, encodeLease } from '../lease/record.js'
import type { Backend } from '../mvcc/backend.js'
import { isRecordKey } from '../mvcc/record.js'
import type { PrefixQuota } from '../mvcc/prefix-quotas.js'
import { MvccStore } from '../mvcc/store.js'
import type { Event, Revision } from '../mvcc/types.js'
import { validateKeys, validateOperation, validateRevision } from '../mvcc/validate.js'
import { accessesOf, type Question } from './accesses.js'
import { Alarms, encodeAlarm } from './alarms.js'
import { openCommand, type CommandBody } from './command-codec.js'
import type {
  AlarmRequest,
  LeaseCheckpointRequest,
  LeaseGrantRequest,
  LeaseRevokeRequest,
  LoginRequest,
  PrefixQuotaRequest,
  ProposalId,
  Request,
} from './command.js'
import { checkAlarms } from './guard.js'
import type { Identity } from './identity.js'
import type { Membership } from './member-book.js'
import type { MembersEntry } from './member-book-codec.js'
import { Members } from './members.js'
import { Origins } from './origins.js'
import { decodePrefixQuota, encodePrefixQuota } from './prefix-quota.js'
import type { Applied, Outcome, Response } from './outcome.js'
import {
  ALARM_PREFIX,
  alarmKey,
  AUTH_PREFIX,
  decodeMeta,
  encodeMeta,
  LEASE_PREFIX,
  leaseKey,
  MEMBERS_KEY,
  META_KEY,
  ORIGIN_PREFIX,
  originKey,
  PREFIX_QUOTA_PREFIX,
  RESTORING_KEY,
  stateBytes,
  type Meta,
} from './state-records.js'

export interface MachineOptions {
  readonly backend: Backend
  /** How much of what was written or read last is kept in memory to be read again. Default: nothing. */
  readonly valueCacheBytesMax?: number
}

/** Of a command of which not even the proposal can be read. Nobody waits for it: members count from 1. */
export const NO_PROPOSAL: ProposalId = { member: 0, incarnation: 0, sequence: 0 }

/** Keys that one applied entry looks at for a compaction that is under way. About a quarter of a millisecond. */
const SWEEP_KEYS_PER_ENTRY = 256

/** Keys that one applied entry counts for the quota of a prefix that does not hold yet: a millisecond. */
const PREFIX_KEYS_PER_ENTRY = 2048

export class Machine {
  // All of these are replaced when another state is adopted: whoever keeps one of them keeps what is no more.
  #store: MvccStore
  #lessor = new Lessor()
  #alarms = new Alarms()
  #auth = new AuthStore()
  #backend: Backend
  #origins = new Origins()
  #members = new Members()
  #quotasDigest: Digest = EMPTY_DIGEST
  #quotasBytes = 0
  /** Whether their records differ from those that the backend has. */
  #quotasDirty = false
  #appliedIndex = 0
  #appliedTerm = 0
  /** What was found on disk; undefined on an empty one, and after loading. */
  #loaded: Meta | undefined
  #state: 'loading' | 'ready' | 'failed' = 'loading'

  constructor(options: MachineOptions) {
    this.#backend = options.backend
    this.#store = new MvccStore(options.backend, this.#lessor, options.valueCacheBytesMax)
  }

  get store(): MvccStore {
    return this.#store
  }

  get lessor(): Lessor {
    return this.#lessor
  }

  get alarms(): Alarms {
    return this.#alarms
  }

  get auth(): AuthStore {
    return this.#auth
  }

  /** Something failed while an entry was applied: what is in memory is no state, and nobody may be shown it. */
  get failed(): boolean {
    return this.#state === 'failed'
  }

  /** Who belongs to the cluster by what is applied; undefined before the first change. */
  get members(): Membership | undefined {
    return this.#members.membership
  }

  get appliedIndex(): number {
    return this.#appliedIndex
  }

  get appliedTerm(): number {
    return this.#appliedTerm
  }

  get revision(): Revision {
    return this.store.revision
  }

  get compactRevision(): Revision {
    return this.store.compactRevision
  }

  /**
   * The logical digest: the latest version of every key, leases, alarms, quotas, users and roles, members, proposals seen, counters. Equal
   * on all members at the same applied index, however far each has come with removing what was compacted.
   */
  get digest(): Digest {
    const { store, lessor, alarms, auth } = this
    const quotas = { digest: this.#quotasDigest }
    const records = [lessor, alarms, quotas, auth].reduce((sum, { digest }) => addDigest(sum, digest), store.digest)
    const counters = hash64(new Writer(16).uint53(this.revision).uint53(this.compactRevision).finish())
    return [this.#origins.digest, this.#members.digest, counters].reduce(addDigest, records)
  }

  /**
   * Of all records kept and their keys, without users and roles, which have limits of their own. This member's own affair:
   * it depends on how far it has come with removing what was compacted.
   */
  get bytesInUse(): number {
    const { store, lessor, alarms } = this
    const counts = {
      leases: lessor.size,
      leaseBytes: lessor.bytes,
      alarms: alarms.size,
      origins: this.#origins.size,
      membersBytes: this.#members.record?.byteLength ?? 0,
    }
    return store.bytes + this.#quotasBytes + stateBytes(counts)
  }

  /** Takes up one record of the state on disk; they come in the order of their keys. Throws `DATA_DAMAGED`, `FORMAT_TOO_NEW`. */
  load(key: string, record: Uint8Array): void {
    assert(this.#state === 'loading', 'a record is loaded after loading ended')
    if (key === META_KEY) {
      this.#loaded = decodeMeta(record)
      this.store.startLoading(this.#loaded.revision, this.#loaded.compactRevision)
      return
    }
    if (key === RESTORING_KEY) throw damaged('a restore of a snapshot into it did not come to its end')
    if (this.#loaded === undefined) throw damaged('the record of the applied position is missing')
    if (isRecordKey(key)) this.store.load(key, record)
    else if (key.startsWith(LEASE_PREFIX)) this.#loadLease(key, record)
    else if (key.startsWith(ALARM_PREFIX)) this.#loadAlarm(key, record)
    else if (key.startsWith(ORIGIN_PREFIX)) this.#loadOrigin(key, record)
    else if (key.startsWith(PREFIX_QUOTA_PREFIX)) this.#loadPrefixQuota(key, record)
    else if (key === MEMBERS_KEY) this.#members.load(record)
    else if (key.startsWith(AUTH_PREFIX)) this.auth.load(key.slice(AUTH_PREFIX.length), record)
    else throw damaged(`there is a record of unknown kind, '${key.charAt(0)}'`)
  }

  /** Ends loading; on an empty disk nothing was loaded. Throws `DATA_DAMAGED` unless all that was written is there. */
  finishLoading(): void {
    assert(this.#state === 'loading', 'loading ends twice')
    this.#state = 'ready'
    const meta = this.#loaded
    if (meta === undefined) return
    this.#loaded = undefined
    this.store.finishLoading()
    this.#appliedIndex = meta.appliedIndex
    this.#appliedTerm = meta.appliedTerm
    if (!equalDigest(this.digest, meta.digest)) {
      throw damaged(
        `its records come to ${describeDigest(this.digest)} where ${describeDigest(meta.digest)} was recorded ` +
          `at index ${meta.appliedIndex}, revision ${meta.revision}; some are missing`,
      )
    }
    const { historyDigest } = this.store
    if (meta.historyDigest !== undefined && !equalDigest(historyDigest, meta.historyDigest)) {
      throw damaged(
        `its superseded records come to ${describeDigest(historyDigest)} where ${describeDigest(meta.historyDigest)} was ` +
          `recorded at index ${meta.appliedIndex}, revision ${meta.revision}; some are missing`,
      )
    }
  }

  /** Applies the command of one entry. */
  apply(index: number, term: number, data: Uint8Array): Applied {
    this.#advance(index, term)
    try {
      const applied = this.#apply(data)
      if (this.store.countPrefixes(PREFIX_KEYS_PER_ENTRY)) this.#quotasChanged()
      if (this.store.sweeping) this.store.sweep(SWEEP_KEYS_PER_ENTRY)
      return applied
    } catch (error) {
      this.#state = 'failed'
      throw error
    }
  }

  /** Applies an entry that changes who belongs to the cluster. What is about those who leave it goes with them. */
  configure(index: number, term: number, entry: MembersEntry): void {
    this.#advance(index, term)
    try {
      for (const member of this.#members.apply(index, entry)) this.#forgetMember(member)
      if (this.#members.record !== undefined) this.#backend.set(MEMBERS_KEY, this.#members.record)
    } catch (error) {
      this.#state = 'failed'
      throw error
    }
  }

  /** Passes over an entry that holds no command. */
  skip(index: number, term: number): void {
    this.#advance(index, term)
  }

  /**
   * Returns if whoever asks may do all of this, by the state as it is now; `request` must be a valid one.
   * Throws `USER_EMPTY`, `AUTH_REVISION_OLD`, `PERMISSION_DENIED`.
   */
  authorize(identity: Identity, request: Request | Question): void {
    authorize(this.auth, identity, accessesOf(request, this.lessor))
  }

  /** As {@link authorize}, for what goes on since `identity` was allowed it: a watch. */
  authorizeStill(identity: Identity, request: Question): void {
    authorize(this.auth, stillIdentified(this.auth, identity), accessesOf(request, this.lessor))
  }

  /** Removes some of what a compaction made superfluous; true while there is more to do now. For a member that is idle. */
  sweep(keysMax: number): boolean {
    this.#checkReady()
    return this.store.sweep(keysMax)
  }

  /** Gives the backend the records that tell the applied position: right before it commits. */
  checkpoint(): void {
    this.#checkReady()
    for (const { member, record } of this.#origins.takeDirty()) {
      this.#backend.set(originKey(member), record)
    }
    for (const { key, record } of this.auth.takeChanges()) {
      if (record === undefined) this.#backend.delete(AUTH_PREFIX + key)
      else this.#backend.set(AUTH_PREFIX + key, record)
    }
    if (this.#quotasDirty) {
      for (const { key, record } of this.store.prefixQuotas.map(recordOfQuota)) this.#backend.set(key, record)
      this.#quotasDirty = false
    }
    const { appliedIndex, appliedTerm, revision, compactRevision, digest } = this
    const { historyDigest } = this.store
    const meta = { appliedIndex, appliedTerm, revision, compactRevision, digest, historyDigest }
    this.#backend.set(META_KEY, encodeMeta(meta, this.members?.book))
  }

  /**
   * Makes the state the first one of another cluster (a restored backup): the windows of proposals belong to members that
   * are not in it, and go, as does what is known of those members. With `bumpRevisions` above 0 the revision rises by so many and everything before it is compacted,
   * so that whoever saw revisions which the backup has not is told `COMPACTED`, and not given others under their numbers.
   * Gives the members that are known from either. `checkpoint` is to follow.
   */
  startCluster(bumpRevisions: number): readonly number[] {
    this.#checkReady()
    const proposers = this.#origins.clear()
    for (const member of proposers) this.#backend.delete(originKey(member))
    const { book = [], removed = [] } = this.members ?? {}
    this.forgetMembers()
    if (bumpRevisions > 0) this.store.compactAll(this.revision + bumpRevisions)
    return [...new Set([...proposers, ...book.map(({ id }) => id), ...removed])]
  }

  /** What is known of the members is that of a cluster which this state does not belong to any more. `checkpoint` is to follow. */
  forgetMembers(): void {
    this.#checkReady()
    if (this.#members.forget()) this.#backend.delete(MEMBERS_KEY)
  }

  /** Whether this proposal was applied, or is so old that nobody can say any more and it never will be. */
  hasSettled(proposal: ProposalId): boolean {
    return this.#origins.hasSettled(proposal)
  }

  /** The latest incarnation of which a proposal of `member` was applied; 0 where none was. */
  incarnationOf(member: number): number {
    return this.#origins.incarnationOf(member)
  }

  /**
   * Becomes `loaded`, which was loaded from a state of the same history and is of no further use by itself. For a state that
   * comes in place of entries, or of one that is damaged: this machine may have failed, `loaded` may not be behind it.
   */
  adopt(loaded: Machine): void {
    loaded.#checkReady()
    const { appliedIndex, appliedTerm } = this
    assert(
      loaded.#appliedIndex >= appliedIndex && loaded.#appliedTerm >= appliedTerm,
      () => `a state at ${loaded.#appliedIndex} is adopted where ${appliedIndex} was applied`,
    )
    this.#store = loaded.#store
    this.#lessor = loaded.#lessor
    this.#alarms = loaded.#alarms
    this.#auth = loaded.#auth
    this.#backend = loaded.#backend
    this.#origins = loaded.#origins
    this.#members = loaded.#members
    this.#quotasDigest = loaded.#quotasDigest
    this.#quotasBytes = loaded.#quotasBytes
    this.#quotasDirty = loaded.#quotasDirty
    this.#appliedIndex = loaded.#appliedIndex
    this.#appliedTerm = loaded.#appliedTerm
    this.#loaded = undefined
    this.#state = 'ready'
  }

  #advance(index: number, term: number): void {
    this.#checkReady()
    assert(index === this.#appliedIndex + 1, () => `entry ${index} comes after ${this.#appliedIndex}`)
    assert(term >= this.#appliedTerm, () => `an entry of term ${term} comes after one of term ${this.#appliedTerm}`)
    this.#appliedIndex = index
    this.#appliedTerm = term
  }

  #apply(data: Uint8Array): Applied {
    const opened = attempt(() => openCommand(data))
    if (!opened.ok) return this.#applied(NO_PROPOSAL, opened)
    const { proposal, body } = opened.value
    // Its window is gone: whether it was applied before cannot be told.
    if (this.#members.wasRemoved(proposal.member)) return this.#applied(proposal, REMOVED)
    switch (this.#origins.admit(proposal)) {
      case 'duplicate':
        return this.#applied(proposal, undefined)
      case 'expired':
        return this.#applied(proposal, {
          ok: false,
          code: 'PROPOSAL_EXPIRED',
          message: 'The proposal came so late that it cannot be told from its own repetition any more.',
        })
      case 'new':
        return this.#execute(proposal, body)
    }
  }

  #execute(proposal: ProposalId, body: () => CommandBody): Applied {
    const done = attempt(() => {
      const { identity, request } = body()
      this.#check(identity, request)
      return this.#perform(request)
    })
    if (!done.ok) return this.#applied(proposal, done)
    return this.#applied(proposal, { ok: true, response: done.value.response }, done.value.events)
  }

  /** A request that is wrong whatever the state holds is told so first, as etcd does; that gives nothing away. */
  #check(identity: Identity, request: Request): void {
    if (!this.auth.enabled || identity.type === 'member') return
    if (request.type === 'put' || request.type === 'delete' || request.type === 'transaction')
      validateOperation(request)
    else if (request.type === 'compact') validateRevision(request.revision)
    this.authorize(identity, request)
  }

  #perform(request: Request): { readonly response: Response; readonly events: readonly Event[] } {
    checkAlarms(this.alarms, request)
    switch (request.type) {
      case 'put':
        return this.store.write(request)
      case 'delete':
        return this.store.write(request)
      case 'transaction':
        return this.store.write(request)
      case 'compact':
        validateRevision(request.revision)
        this.store.compact(request.revision)
        return { response: { type: 'compact' }, events: NO_EVENTS }
      case 'lease-grant':
        return { response: this.#grant(request), events: NO_EVENTS }
      case 'lease-revoke':
        return { response: { type: 'lease-revoke', id: request.id }, events: this.#revoke(request) }
      case 'lease-checkpoint':
        return { response: this.#checkpointLeases(request), events: NO_EVENTS }
      case 'prefix-quota':
        this.#setPrefixQuota(request)
        return { response: { type: 'prefix-quota' }, events: NO_EVENTS }
      case 'check':
        return { response: { type: 'check', index: this.#appliedIndex, digest: this.digest }, events: NO_EVENTS }
      case 'verify':
        return { response: request, events: NO_EVENTS }
      case 'alarm':
        return { response: this.#changeAlarm(request), events: NO_EVENTS }
      case 'auth':
        this.auth.apply(request.command)
        return { response: { type: 'auth' }, events: NO_EVENTS }
      case 'login':
        return { response: this.#login(request), events: NO_EVENTS }
      default:
        return assertNever(request, 'request')
    }
  }

  #grant(request: LeaseGrantRequest): Response {
    const lease = this.lessor.grant(request.id, request.ttlSeconds, this.#appliedIndex)
    this.#backend.set(leaseKey(lease.id), encodeLease(lease))
    return { type: 'lease-grant', id: lease.id, ttlSeconds: lease.ttlSeconds }
  }

  /** The hash is copied: what was read is a view of the log's bytes, which are kept by whoever keeps the view. */
  #login({ name, checkedAt, tokenHash }: LoginRequest): Response {
    const authRevision = this.auth.login(name, checkedAt)
    return { type: 'login', name, authRevision, tokenHash: tokenHash && new Uint8Array(tokenHash) }
  }

  /** Takes the keys of the lease with it: sorted, in one revision, and none if there are none. */
  #revoke({ id, grantedUpTo = Infinity }: LeaseRevokeRequest): readonly Event[] {
    this.lessor.requireGranted(id, grantedUpTo)
    const events = this.store.deleteKeys(this.lessor.keysOf(id))
    this.lessor.revoke(id)
    this.#backend.delete(leaseKey(id))
    return events
  }

  #checkpointLeases({ grantedUpTo, checkpoints }: LeaseCheckpointRequest): Response {
    const done = checkpoints.filter((checkpoint) => {
      const lease = this.lessor.checkpoint(checkpoint, grantedUpTo)
      if (lease !== undefined) this.#backend.set(leaseKey(lease.id), encodeLease(lease))
      return lease !== undefined
    })
    return { type: 'lease-checkpoint', checkpoints: done }
  }

  /** Throws `REQUEST_TOO_LARGE`, `LIMIT_EXCEEDED`. */
  #setPrefixQuota({ prefix, limits }: PrefixQuotaRequest): void {
    const { store } = this
    if (prefix !== '') validateKeys(prefix)
    const key = PREFIX_QUOTA_PREFIX + prefix
    if (limits !== undefined && !store.hasPrefixQuota(prefix) && store.prefixQuotas.length >= LIMITS.prefixQuotasMax) {
      throw new StoreError('LIMIT_EXCEEDED', `There are ${LIMITS.prefixQuotasMax} quotas of prefixes already.`)
    }
    store.setPrefixQuota(prefix, limits)
    if (limits === undefined) this.#backend.delete(key)
    this.#quotasChanged()
  }

  /** There are few, and they change rarely. Their records are written with the next checkpoint. */
  #quotasChanged(): void {
    const records = this.store.prefixQuotas.map(recordOfQuota)
    this.#quotasDirty = true
    this.#quotasDigest = records.map(({ record }) => hash64(record)).reduce(addDigest, EMPTY_DIGEST)
    this.#quotasBytes = records.reduce((sum, { key, record }) => sum + key.length + record.byteLength, 0)
  }

  /** Idempotent both ways, as etcd's. */
  #changeAlarm({ action, alarm, member }: AlarmRequest): Response {
    const about = { alarm, member }
    switch (action) {
      case 'activate':
        if (this.alarms.activate(about)) this.#backend.set(alarmKey(about), encodeAlarm(about))
        return { type: 'alarm', alarms: [about] }
      case 'deactivate':
        if (!this.alarms.deactivate(about)) return { type: 'alarm', alarms: [] }
        this.#backend.delete(alarmKey(about))
        return { type: 'alarm', alarms: [about] }
      default:
        return assertNever(action, 'action')
    }
  }

  #applied(proposal: ProposalId, outcome: Outcome | undefined, events: readonly Event[] = NO_EVENTS): Applied {
    return { proposal, outcome, revision: this.revision, events }
  }

  #loadLease(key: string, record: Uint8Array): void {
    const lease = decodeLease(record)
    if (leaseKey(lease.id) !== key) throw damaged(`lease ${lease.id} stands under another key`)
    this.lessor.restore(lease)
  }

  #loadAlarm(key: string, record: Uint8Array): void {
    const alarm = this.alarms.load(record)
    if (alarmKey(alarm) !== key) throw damaged(`an alarm of member ${alarm.member} stands under another key`)
  }

  #loadPrefixQuota(key: string, record: Uint8Array): void {
    const { prefix, limits, countedTo } = decodePrefixQuota(record)
    if (PREFIX_QUOTA_PREFIX + prefix !== key) throw damaged('the quota of a prefix stands under another key')
    this.store.loadPrefixQuota(prefix, limits, countedTo)
    this.#quotasChanged()
  }

  #loadOrigin(key: string, record: Uint8Array): void {
    const member = this.#origins.load(record)
    if (originKey(member) !== key) throw damaged(`the proposals of member ${member} stand under another key`)
  }

  /** It proposes nothing any more that counts, and no alarm of its own is ever disarmed by itself. */
  #forgetMember(member: number): void {
    if (this.#origins.drop(member)) this.#backend.delete(originKey(member))
    for (const alarm of this.alarms.of(member)) {
      this.alarms.deactivate(alarm)
      this.#backend.delete(alarmKey(alarm))
    }
  }

  #checkReady(): void {
    assert(this.#state === 'ready', () => `the state machine is ${this.#state}`)
  }
}

function recordOfQuota({ prefix, countedTo, keysMax, bytesMax }: PrefixQuota): { key: string; record: Uint8Array } {
  const record = encodePrefixQuota({ prefix, limits: { keysMax, bytesMax }, countedTo })
  return { key: PREFIX_QUOTA_PREFIX + prefix, record }
}

const REMOVED: Outcome = {
  ok: false,
  code: 'MEMBER_REMOVED',
  message: 'The member that proposed this was removed from the cluster before.',
}

const NO_EVENTS: readonly Event[] = Object.freeze([])

/** Runs `action`; a refusal becomes an outcome, every other failure goes on. */
function attempt<T>(action: () => T): { readonly ok: true; readonly value: T } | Extract<Outcome, { ok: false }> {
  try {
    return { ok: true, value: action() }
  } catch (error) {
    if (!isStoreError(error) || error.code === 'DATA_DAMAGED' || error.code === 'DISK_FAILED') throw error
    const { code, message, compactRevision } = error
    return { ok: false, code, message, ...(compactRevision === undefined ? {} : { compactRevision }) }
  }
}

/**
 * The contract users see. `open()` gives it over an embedded member, `connect()` will give it over a remote one; recipes
 * and the etcd face know nothing else.
 *
 * Every call ends: with its result, or with a {@link StoreError} at its deadline at the latest. For a write the error
 * says what became of it: `outcome` is `refused` (it has no effect, now or later) or `unknown`.
 */
import type { BytesLike } from '../base/bytes.js'
import type { Environment } from '../base/clock.js'
import type { FormerCluster } from '../base/former-cluster.js'
import type { LeaseId, Revision } from '../mvcc/types.js'
import type { Auth, Caller } from './auth.js'
import type { Health } from './health.js'
import type { BackupsStatus } from './backups-status.js'
import type { CallOptions } from './call-options.js'
import type { Cluster, ClusterMember } from './cluster.js'
import type { Consistency } from './consistency.js'
import type { Watch, WatchOptions } from './watch.js'
import type { KeyValue, Selection } from './key-value.js'
import type { Alarm, Maintenance } from './maintenance.js'
import type { MemberId } from './member-id.js'
import type { ScrubStatus } from './scrub-status.js'
import type { Telemetry } from './telemetry.js'
import type { LeaseKey } from './lease-key.js'
import type { DeleteOptions, Operation, PutOptions, ReadOptions, Transaction } from './operations.js'
import type { TransactionResult } from './transaction-result.js'

export type { CallOptions } from './call-options.js'
export type { Consistency } from './consistency.js'
export type {
  DeleteOperationResult,
  OperationResult,
  PutOperationResult,
  RangeOperationResult,
  TransactionOperationResult,
  TransactionResult,
} from './transaction-result.js'
export type {
  DeletedKey,
  DeleteEvent,
  PutEvent,
  Watch,
  WatchBatch,
  WatchEvent,
  WatchOptions,
  WatchTurns,
} from './watch.js'

export interface GetOptions extends CallOptions, Consistency {
  readonly revision?: Revision | undefined
}

export interface RangeOptions extends CallOptions, Consistency, ReadOptions {}

export interface RangeResult {
  /** In the order of `sort`; without it in key order. */
  readonly items: readonly KeyValue[]
  /** Keys in the selection, whatever the limit and the bounds of revisions say. */
  readonly count: number
  /** Whether `limit` left keys out. */
  readonly more: boolean
  /** The store's revision when it was read: watch from the next one to continue. */
  readonly revision: Revision
}

export interface PutResult {
  readonly revision: Revision
  readonly previous: KeyValue | undefined
}

export interface DeleteResult {
  readonly revision: Revision
  readonly deleted: number
  readonly previous: readonly KeyValue[]
}

export interface CompactOptions extends CallOptions {
  /**
   * Resolve only when what the compaction made superfluous is removed on this member, and that is on its disk; the others
   * remove it by themselves. Default false: then it is removed in the background. A call that ends before with `TIMEOUT`
   * or `ABORTED` has compacted all the same (`outcome` is `unknown`).
   */
  readonly physical?: boolean | undefined
}

export interface Lease {
  readonly id: LeaseId
  /** What was granted: at least what was asked for. */
  readonly ttlMs: number
}

export interface LeaseStatus {
  readonly id: LeaseId
  /** As granted. */
  readonly ttlMs: number
  /** Until it ends, unless it is renewed. 0: it is over and about to go. */
  readonly remainingMs: number
  /** The keys that hang on it, in their order; only where they were asked for. */
  readonly keys?: readonly LeaseKey[]
}

export interface TimeToLiveOptions extends CallOptions {
  /** Lists the keys that hang on the lease. Default false. */
  readonly keys?: boolean | undefined
}

export interface ListLeasesOptions extends CallOptions, Consistency {}

export interface Leases {
  /** Grants a lease of at least `ttlMs`; whole seconds, at least one and a half election timeouts. */
  grant(options: { readonly ttlMs: number; readonly id?: LeaseId | undefined }, call?: CallOptions): Promise<Lease>
  /**
   * Starts the lease's time again; resolves with the time it now has, to be counted from when the call was made.
   * Rejects with `LEASE_NOT_FOUND` when it has ended.
   */
  keepAlive(id: LeaseId, call?: CallOptions): Promise<Lease>
  /** Ends the lease and deletes its keys, in one revision. */
  revoke(id: LeaseId, call?: CallOptions): Promise<void>
  /**
   * Undefined when it does not exist. Rejects with `RESPONSE_TOO_LARGE` where its keys are asked for and are too many.
   *
   * @example
   * const status = await store.leases.timeToLive(id, { keys: true })
   * console.log(status?.remainingMs, status?.keys?.map(({ key }) => key))
   */
  timeToLive(id: LeaseId, options?: TimeToLiveOptions): Promise<LeaseStatus | undefined>
  /** The ids of all leases, in ascending order. A lease that is over is there until its keys are gone. */
  list(options?: ListLeasesOptions): Promise<readonly LeaseId[]>
}

export interface StoreStatus {
  /**
   * Whether the member is elsewhere, and reached by `connect()`. Then this is what its answers told last, of the member that was
   * asked; and what no answer tells is empty: the digest, what the disk and the event loop do, what was written and scrubbed.
   */
  readonly remote: boolean
  readonly name: string
  readonly clusterId: MemberId
  readonly memberId: MemberId
  /** `stopped`: it was closed, or stopped itself; everything else but the leader is what it was then. */
  readonly role: 'follower' | 'pre-candidate' | 'candidate' | 'leader' | 'stopped' | 'removed'
  /** It has no vote: it was added as a learner, or is not promoted yet. */
  readonly learner: boolean
  /** As this member was opened. */
  readonly electionTimeoutMs: number
  /** `close()` was called, and calls under way are finishing: no new ones are taken. */
  readonly closing: boolean
  /** Name of the leader as far as this member knows; a stopped one knows none. */
  readonly leader: string | undefined
  readonly term: number
  readonly commitIndex: number
  readonly appliedIndex: number
  readonly revision: Revision
  readonly compactRevision: Revision
  /** Digest of the logical state, 16 hex digits: equal on members with equal `appliedIndex`. */
  readonly digest: string
  /** All members as this one knows them, a change that is under way included. Of none while one that joined was told nothing. */
  readonly members: readonly ClusterMember[]
  /** The alarms that are active in the cluster, as far as this member knows. */
  readonly alarms: readonly Alarm[]
  /** As this member was opened; Infinity for none. */
  readonly quotaBytes: number
  /**
   * What counts towards the quota: the bytes of all records that this member keeps and of their keys, superseded versions
   * included until they are compacted away. Members may differ by what they have not removed yet.
   */
  readonly sizeInUseBytes: number
  /**
   * `lost`: the disk of this member may lack votes or entries that it acknowledged; it does not vote and is not counted until
   * a leader has brought it up to date, which happens by itself while a majority of the others runs.
   */
  readonly promises: 'kept' | 'lost'
  /**
   * The state of this member is damaged or missing: it waits for another one from its leader, or, where it lost its log too,
   * for the entries that bring it back; and reads wait with it.
   */
  readonly awaitsState: boolean
  /** What was found damaged when this member was opened, and given up: one sentence each. Empty: nothing. */
  readonly damage: readonly string[]
  /**
   * On a leader: members that were away for longer than its log goes back, and are sent a snapshot. Each stays for a moment,
   * or for as long as it cannot be reached. Elsewhere empty.
   */
  readonly outrun: readonly string[]
  /** First and last index of the log this member holds. */
  readonly log: { readonly firstIndex: number; readonly lastIndex: number }
  /** The applied index up to which the state itself is on disk. */
  readonly durableAppliedIndex: number
  /** Since this member was opened: how often the state was written, and the log trimmed behind it. */
  readonly stateWrites: number
  readonly logTrims: number
  /** Of reading through what is on this member's disk: `open({ scrub })`. */
  readonly scrub: ScrubStatus
  /** What this member's disk does. */
  readonly disk: DiskStatus
  /** How late the event loop of this process is. */
  readonly eventLoop: EventLoopStatus
  /** The clusters that the data belonged to before `forceNewCluster`, the latest last; their other members may hold more. */
  readonly formerClusters: readonly FormerCluster[]
  /** Of scheduled backups; undefined where the member was opened without. */
  readonly backups: BackupsStatus | undefined
}

export interface DiskStatus {
  /** Writes of the log with entries since this member was opened; each is synced. */
  readonly syncs: number
  /** How many milliseconds the last one took; undefined before the first. */
  readonly lastSyncMs: number | undefined
  /** Of the last 256. */
  readonly medianSyncMs: number | undefined
  readonly p99SyncMs: number | undefined
  /** What is free where the data lies, about a second ago. Undefined where the disk does not tell, as in memory. */
  readonly freeBytes: number | undefined
}

export interface EventLoopStatus {
  /** How late it was within the last minute: 99 times of 100 at most, and at the latest. Undefined before it was looked at. */
  readonly p99Ms: number | undefined
  readonly maxMs: number | undefined
  /** Since this member was opened: how often it stood still for a quarter of an election timeout or longer. */
  readonly stalls: number
  /** For how many milliseconds the last time, at least; undefined: never. */
  readonly lastStallMs: number | undefined
}

/** Of {@link StoreStatus}, what is asked for with every call: no more than a look at a few numbers. */
export type StorePosition = Pick<StoreStatus, 'leader' | 'learner' | 'revision' | 'term'>

/** What happens to a store, for those who listen; nothing depends on anybody listening. */
export type StoreEvents = {
  /** Another leader, or none, is known. */
  leader: (change: { readonly leader: string | undefined; readonly term: number }) => void
  /** This member stopped itself: its disk failed or an invariant broke. Every call from now on fails with `MEMBER_FAILED`. */
  failed: (error: Error) => void
  /** This member was removed from the cluster, and has ended. Every call from now on fails with `MEMBER_REMOVED`. */
  removed: () => void
  /** It was closed; a handle of `as()` or `namespace()`, too, when what it was made of was. Every call fails with `CLOSED`. */
  closed: () => void
}

export interface Store extends AsyncDisposable {
  /** The clock, timers and randomness it was opened with: recipes have no other. */
  readonly environment: Environment
  readonly leases: Leases
  readonly maintenance: Maintenance
  /** Users, roles and permissions. */
  readonly auth: Auth
  /** Who belongs to the cluster, and changing it. */
  readonly cluster: Cluster
  /** What the member measures of itself: for metrics. */
  readonly telemetry: Telemetry

  /** Resolves once a leader is known and this member has caught up with it. */
  ready(call?: CallOptions): Promise<void>
  put(key: BytesLike, value: BytesLike, options?: PutOptions & CallOptions): Promise<PutResult>
  /** One key; undefined when it does not exist. */
  get(key: BytesLike, options?: GetOptions): Promise<KeyValue | undefined>
  range(selection: Selection, options?: RangeOptions): Promise<RangeResult>
  delete(selection: Selection, options?: DeleteOptions & CallOptions): Promise<DeleteResult>
  /**
   * Compares and operations as one atomic step. What it gives has the types of what it was made of: one result per operation
   * of the branch that was done, and `succeeded` tells which branch that was.
   *
   * @example
   * const { succeeded, results } = await store.txn({
   *   compare: [compare('a').exists()],
   *   success: [put('a', '2', { previous: true }), get('b')],
   *   failure: [get('c')],
   * })
   * if (succeeded) console.log(results[0].previous?.text(), results[1].items)
   * else console.log(results[0].items)
   */
  txn<
    const Success extends readonly Operation[] = readonly [],
    const Failure extends readonly Operation[] = readonly [],
  >(
    transaction: Transaction<Success, Failure>,
    options?: CallOptions,
  ): Promise<TransactionResult<Success, Failure>>
  watch(selection: Selection, options?: WatchOptions): Watch
  /**
   * Forgets history before `revision`; the latest version of every key stays. Rejects with `COMPACTED` where that was done
   * before, `FUTURE_REVISION`.
   */
  compact(revision: Revision, options?: CompactOptions): Promise<void>
  status(): StoreStatus
  /** A part of {@link status} that costs next to nothing. */
  position(): StorePosition
  /** What {@link status} comes to: whether it works, and whether calls should be sent to it. */
  health(): Health
  on<Name extends keyof StoreEvents>(event: Name, listener: StoreEvents[Name]): () => void
  /**
   * A handle that calls on behalf of somebody else, over the same member. Once authorization is enabled, everything that is
   * called on it needs permission; what `open()` returned is the process's own, which holds the data and may do everything.
   *
   * Who it is is found out anew with each call: a token that expired is refused from then on. `status()` with a signed token
   * needs a call before it that checks the token (`auth.whoami()`). Closing such a handle ends its watches and refuses its
   * further calls, and does nothing to the member or to calls under way.
   *
   * `{ user }` is taken at its word, so only the handle of `open()` takes it: `PERMISSION_DENIED` on any other.
   *
   * @example
   * const ann = store.as({ token: await store.auth.login('ann', password) })
   * await ann.put('jobs/1', 'waiting') // PERMISSION_DENIED without a role that allows it
   */
  as(caller: Caller): Store
  /**
   * A store of all keys under a prefix, which it does not show: for a tenant, a part of an application, a test. Every key is
   * relative to it: in calls, compares and operations, in what is read, watched, counted and listed, and in errors. No
   * selection reaches outside, `{ all: true }` and `{ from }` included. Namespaces may stand inside each other, and recipes
   * on them. It costs nothing: make one for each request, if you like.
   *
   * What is not about keys is that of the whole store: leases, revisions and `compact()`, members, users and permissions (whose
   * keys are whole ones), alarms, `maintenance` but for `statistics()` and the quotas of prefixes, snapshots. `timeToLive()`
   * lists the keys inside. Quotas are set and listed of prefixes inside, `''` being that of the namespace; their bytes, like
   * those of `fragmentBytesMax` and of the limits for keys and requests, are counted with the prefix of the namespace.
   *
   * It keeps nobody out who holds the store itself: for that, see {@link as}. `close()` ends its watches and refuses its
   * further calls, and those of handles made of it; it does nothing to the store, or to calls under way.
   *
   * Throws TypeError for an empty prefix, which would be the whole store, and RangeError for one that leaves no room for keys.
   *
   * @example
   * const tenant = store.namespace('tenants/42/')
   * await tenant.put('name', 'ACME') // the key 'tenants/42/name'
   * await new Mutex(tenant, 'import').withLock(run)
   */
  namespace(prefix: BytesLike): Store
  /**
   * Stops: new calls are refused with `CLOSED`; a leader hands leadership over; calls under way may finish, for at most the
   * `drainMs` it was opened with, then who waits is rejected with `CLOSED`, and watches end; buffered state is written. Idempotent.
   */
  close(): Promise<void>
}

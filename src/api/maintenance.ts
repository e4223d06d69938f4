/** What operators ask of a store: the part of the contract that keeps a cluster running. */
import type { BytesLike } from '../base/bytes.js'
import type { Revision } from '../mvcc/types.js'
import type { CallOptions } from './call-options.js'
import type { Selection } from './key-value.js'
import type { MemberId } from './member-id.js'

/**
 * `no-space`: a member is over its quota. Puts, transactions with a put and new leases are refused with `NO_SPACE`.
 * `corrupt`: a member holds another state than the others, or is the only one and found damage on its disk. Everything that
 * changes keys or leases is refused with `CORRUPT`.
 */
export type AlarmType = 'no-space' | 'corrupt'

export interface Alarm {
  readonly alarm: AlarmType
  /** The member that it is about: its id, as in `status().members`. */
  readonly memberId: MemberId
}

/** Of a call that is about some alarms; what is left out is any. */
export interface AlarmSelection {
  readonly alarm?: AlarmType | undefined
  readonly memberId?: MemberId | undefined
}

export interface StateDigest {
  /** The entry of the log up to which the state was applied. */
  readonly index: number
  /** 16 hex digits. */
  readonly digest: string
}

export interface Sizes {
  /** As this member was opened; Infinity for none. */
  readonly quotaBytes: number
  /** What counts towards it: `status().sizeInUseBytes`. */
  readonly sizeInUseBytes: number
  /**
   * What the data directory takes, log and all. Undefined where the disk does not tell, 0 in memory.
   */
  readonly diskBytes: number | undefined
}

export interface SnapshotOptions {
  /** Ends it: whoever waits for a piece is told `ABORTED`. */
  readonly signal?: AbortSignal | undefined
}

export interface HashOptions extends CallOptions {
  /** Up to where. Default: the member's current revision. */
  readonly revision?: Revision | undefined
}

/** Equal on members, and at all times, for equal `revision` and `compactRevision`. */
export interface HashResult {
  /** 16 hex digits. */
  readonly hash: string
  readonly revision: Revision
  readonly compactRevision: Revision
}

export interface StatisticsOptions extends CallOptions {
  /** Default: the latest. */
  readonly revision?: Revision | undefined
}

export interface Statistics {
  readonly keys: number
  /** Of the keys and their values. */
  readonly bytes: number
  /** Of which this is true. */
  readonly revision: Revision
}

/** What is left out is not limited; one of them is given. */
export interface PrefixLimits {
  readonly keysMax?: number | undefined
  /** Of the keys and their values. */
  readonly bytesMax?: number | undefined
}

export interface PrefixQuota extends PrefixLimits {
  readonly prefix: Uint8Array
  /** How much is used of it. */
  readonly keys: number
  readonly bytes: number
  /** Whether all keys are counted: before that it does not hold. */
  readonly counted: boolean
}

export interface Maintenance {
  /**
   * The hash of every version that can be read on this member up to a revision: for a comparison with another member. How
   * far each has come with removing what was compacted does not change it. Reads everything that the member holds, a
   * little at a time: for a large store give it the time (`timeoutMs`).
   *
   * Rejects with `COMPACTED`, `FUTURE_REVISION`, `INVALID_REVISION`, `TOO_MANY_REQUESTS`.
   */
  hash(options?: HashOptions): Promise<HashResult>
  /**
   * The alarms that are active anywhere in the cluster, by member. Linearizable; `status().alarms` is what this member
   * knows, without asking anybody.
   */
  alarms(call?: CallOptions): Promise<readonly Alarm[]>
  /**
   * Raises an alarm, as members do by themselves: to make a cluster refuse what it adds before something else does, or to
   * try out what happens then. Nothing changes where it is active already.
   */
  raise(alarm: Alarm, call?: CallOptions): Promise<void>
  /**
   * Ends the alarms that are active and selected (all of them, without a selection), and gives those that it ended. No
   * space need have been freed; but a member that is still over its quota raises its alarm again at once.
   *
   * @example
   * await store.delete({ prefix: 'logs/' })
   * await store.compact(store.status().revision)
   * await store.maintenance.disarm({ alarm: 'no-space' })
   */
  disarm(selection?: AlarmSelection, call?: CallOptions): Promise<readonly Alarm[]>
  /**
   * Has every member compare its state with the leader's, without waiting for the next check (`checkIntervalMs`). Gives the
   * digest of this member's state and the index of the log that it is of; a member that differs raises the alarm `corrupt`
   * a moment later.
   */
  check(call?: CallOptions): Promise<StateDigest>
  /**
   * Gives back to the disk of this member what its state no longer takes: after much was deleted and compacted. The member
   * goes on serving meanwhile, somewhat slower; nothing depends on how often this is done, and LevelDB does the same by
   * itself, bit by bit. Not needed to get below the quota. In memory there is nothing to do.
   *
   * Rejects with `MEMBER_FAILED` where the disk fails: then the member has stopped. It has no deadline (`diskTimeoutMs`), since
   * it takes as long as there is data.
   */
  defragment(): Promise<void>
  /** How much there is on this member. */
  sizes(): Promise<Sizes>

  /**
   * A backup of the whole store as a stream of bytes, whose form is in docs/DATA-FORMAT.md: every version that is kept,
   * leases, users, roles, alarms and all else that the members have in common. It is the state at one revision: the one
   * that this member has applied when the first piece is asked for. To be sure that it holds all that was acknowledged
   * before, await `ready()` first; without a quorum it can be taken all the same.
   *
   * Can be iterated once; ends early when the loop over it is left. A slow consumer holds nothing up; one that takes more
   * than a minute for a piece, or more than an hour for the whole, is told `TIMEOUT`.
   *
   * Throws `CLOSED` and `MEMBER_FAILED`, and so does the loop; that also `ABORTED`, `TIMEOUT`, `TOO_MANY_REQUESTS` (four at
   * a time), `DATA_DAMAGED`, `STATE_REPLACED` while this member waits for another state since its own was damaged or lost
   * (`status().awaitsState`; try again, or another member), and `PERMISSION_DENIED` to whoever has not the role `root`.
   *
   * @example
   * await pipeline(store.maintenance.snapshot(), gzip, upload)
   */
  snapshot(options?: SnapshotOptions): AsyncIterable<Uint8Array>
  /**
   * How many keys a selection holds, and how many bytes they and their values have: of the latest revision, or of the one
   * that is given. Linearizable. Takes no value from the disk, and holds nobody up however many keys there are. Rejects with `COMPACTED`,
   * `FUTURE_REVISION`.
   *
   * @example
   * const { keys, bytes } = await store.maintenance.statistics({ prefix: 'tenants/7/' })
   */
  statistics(selection: Selection, options?: StatisticsOptions): Promise<Statistics>
  /**
   * Limits how many keys, or how many bytes of keys and values, may exist under a prefix; undefined ends the limit. What
   * would grow beyond it is refused with `PREFIX_QUOTA_EXCEEDED`, on every member alike; deletes, and puts that add
   * neither keys nor bytes, always pass. Quotas of longer prefixes count beside those of shorter ones; only latest versions
   * count. A limit may be below what is there.
   *
   * The keys that are there already are counted before it holds: some with each entry of the log, at the same entry on
   * every member. It resolves when it holds; about a second for a million keys. At a deadline before that it is set all the
   * same, and holds after some hundreds of further writes, or when this is called again.
   *
   * Rejects with `LIMIT_EXCEEDED` where there are too many (LIMITS.prefixQuotasMax).
   *
   * @example
   * await store.maintenance.setPrefixQuota('tenants/7/', { keysMax: 10_000, bytesMax: 50_000_000 })
   */
  setPrefixQuota(prefix: BytesLike, limits: PrefixLimits | undefined, call?: CallOptions): Promise<void>
  /** All quotas of prefixes, by prefix, with what is used of each. Linearizable. */
  prefixQuotas(call?: CallOptions): Promise<readonly PrefixQuota[]>
}

/**
 * Everything a member takes in, decides, promises and does, as one typed stream: for checkers, transcripts, timelines and
 * metrics.
 *
 * Always: an event costs nothing when nobody observes: it is not even built (`observe?.({ ... })`).
 * Always: it is told where it happens, in the order in which it happens: what rests on a write comes after `write-durable`,
 * a `message-sent` right before the frame is handed over, an `applied` before anybody hears of the outcome.
 * Always: what an event holds is the member's own (entries, messages, events of watches); nobody changes it.
 *
 * Times are those of the member's own monotonic clock.
 */
import type { Digest } from '../base/checksum.js'
import type { ErrorCode, StoreError } from '../base/errors.js'
import type { LeaseId } from '../base/lease-id.js'
import type { LeaseCheckpoint } from '../lease/lease.js'
import type { ProposalId } from '../machine/command.js'
import type { Applied } from '../machine/outcome.js'
import type { Revision } from '../mvcc/types.js'
import type { Message } from '../raft/message.js'
import type { Write } from '../raft/ready.js'
import type { RaftEvent } from '../raft/trace.js'
import type { Configuration, Entry, HardState, Index, LogPosition, NodeId, StoredState } from '../raft/types.js'
import type { Filter } from '../watch/filter.js'
import type { WatchBatch } from '../watch/buffers.js'

export type MemberEvent =
  // The life of the member.
  /** What was found on the disk: the first event of every life. */
  | {
      readonly type: 'recovered'
      readonly member: NodeId
      readonly name: string
      /** What it begins with, before the entries of its log that change it; without voters: it has to be told. */
      readonly configuration: Configuration
      /** Counts the lives of this member. */
      readonly incarnation: number
      readonly stored: StoredState
      readonly applied: LogPosition
      readonly revision: Revision
      readonly compactRevision: Revision
      readonly digest: Digest
      /** The leases that exist, by the state on disk. */
      readonly leases: readonly LeaseId[]
    }
  /** It met a failure of the disk or a broken invariant and stops. */
  | { readonly type: 'failed'; readonly error: Error }
  /** It was removed from the cluster, and ends. */
  | { readonly type: 'removed' }
  | { readonly type: 'closed' }
  /** The event loop stood still: a timer was this late. Told before anything that waited is handled. */
  | { readonly type: 'stalled'; readonly atMs: number; readonly lateMs: number }
  /** A turn of the loop ended. How much waits where: each of these is bounded (limits.ts). */
  | ({ readonly type: 'turned'; readonly atMs: number } & Waiting)

  // Consensus.
  /** A decision of the core. */
  | { readonly type: 'decided'; readonly event: RaftEvent }
  /** A write of the log was handed to the disk. */
  | { readonly type: 'write-begun'; readonly write: Write }
  /** The disk says that it is durable. */
  | { readonly type: 'write-durable'; readonly write: Write }
  | { readonly type: 'message-received'; readonly message: Message; readonly atMs: number }
  /** `taken`: the transport queued it. */
  | { readonly type: 'message-sent'; readonly message: Message; readonly taken: boolean }
  /** Commands of users here were handed to the leader, which may be this member. */
  | { readonly type: 'proposed'; readonly to: NodeId; readonly commands: number; readonly taken: boolean }
  /** Commands of users of another member came in. */
  | { readonly type: 'forwarded'; readonly from: NodeId; readonly commands: number }
  /** A read index was asked for, for everybody who waits to read. */
  | { readonly type: 'read-asked'; readonly requestId: number }
  /** They may read what is applied at `index`. */
  | { readonly type: 'read-confirmed'; readonly requestId: number; readonly index: Index }
  | { readonly type: 'read-dropped'; readonly requestId: number }

  // The state machine.
  | {
      readonly type: 'applied'
      readonly entry: Entry
      /** What came of the command; undefined for an entry without one. */
      readonly applied: Applied | undefined
      readonly revision: Revision
      readonly compactRevision: Revision
      /** Of the state after this entry; to be asked for while the event is handled. Costs some microseconds. */
      readonly digest: () => Digest
    }
  /** The digest that this member noted at `index`, and that of the leader: whether they are equal. */
  | { readonly type: 'verified'; readonly index: Index; readonly agrees: boolean }
  /** Whoever waits for this proposal is being told its outcome. */
  | { readonly type: 'answered'; readonly proposal: ProposalId; readonly ok: boolean; readonly revision: Revision }
  /** A read of keys was planned, at `revision` (0: the latest), or refused. */
  | {
      readonly type: 'ranged'
      readonly revision: Revision
      readonly currentRevision: Revision
      readonly refused: ErrorCode | undefined
    }
  /** What applying changed goes to the disk: the state at exactly this position. */
  | {
      readonly type: 'state-write-begun'
      readonly position: LogPosition
      readonly revision: Revision
      readonly digest: Digest
    }
  | { readonly type: 'state-durable'; readonly position: LogPosition }
  /** Everything on disk was read through and is as it was written. */
  | { readonly type: 'scrubbed'; readonly records: number; readonly bytes: number }
  /** Something on disk is not as it was written. */
  | { readonly type: 'damage-found'; readonly error: StoreError }
  /**
   * A state of another member is to take the place of this one's. `log`: it is to begin behind the position then, with this
   * hard state, in one step; or it stays, since the state alone was damaged.
   */
  | {
      readonly type: 'state-install-begun'
      readonly position: LogPosition
      readonly log: 'begins-behind' | 'stays'
      readonly hardState: HardState | undefined
    }
  /** That is durable, and this member goes on from there. */
  | {
      readonly type: 'state-adopted'
      readonly position: LogPosition
      readonly revision: Revision
      readonly compactRevision: Revision
      readonly digest: Digest
      readonly leases: readonly LeaseId[]
    }
  /** The log up to here is gone from memory and disk. */
  | { readonly type: 'log-trimmed'; readonly to: LogPosition }

  // Leases, by the leader's clock.
  /** This member leads and keeps the time of leases, each with `extensionMs` more than the log says is left of it. */
  | { readonly type: 'leases-taken-over'; readonly atMs: number; readonly extensionMs: number }
  | { readonly type: 'leases-given-up' }
  /** Applied by the one who leads: from now on it keeps the time of this lease. */
  | { readonly type: 'lease-granted'; readonly lease: LeaseId; readonly atMs: number; readonly ttlMs: number }
  /** This member, which leads, is asked to renew; it first makes sure that it still leads. `question` is unique in this life. */
  | { readonly type: 'lease-asked'; readonly question: number; readonly lease: LeaseId }
  /** The answer: its owner is about to be told that the lease lives for so long. */
  | {
      readonly type: 'lease-renewed'
      readonly question: number
      readonly lease: LeaseId
      readonly atMs: number
      readonly ttlMs: number
      readonly remainingMs: number
    }
  /** How much is left of these was appended to the log, for whoever leads next. */
  | { readonly type: 'leases-checkpointed'; readonly atMs: number; readonly checkpoints: readonly LeaseCheckpoint[] }
  /** The time of these is over: their revocation is proposed. */
  | { readonly type: 'leases-expired'; readonly atMs: number; readonly leases: readonly LeaseId[] }

  // Watches.
  | {
      readonly type: 'watch-opened'
      /** Unique in this life. */
      readonly watch: number
      readonly filter: Filter
      /** 0: from the next revision on. */
      readonly startRevision: Revision
      readonly currentRevision: Revision
    }
  /** The consumer takes these. */
  | { readonly type: 'watch-delivered'; readonly watch: number; readonly batch: WatchBatch }
  /** The consumer is told that everything up to `revision` was delivered. */
  | {
      readonly type: 'watch-progress'
      readonly watch: number
      readonly revision: Revision
      readonly requested: boolean
    }
  /** `revision`: everything up to here was delivered. */
  | {
      readonly type: 'watch-ended'
      readonly watch: number
      readonly revision: Revision
      readonly failure: ErrorCode | undefined
    }

export type MemberEventType = MemberEvent['type']

/** How much waits in one member. */
export interface Waiting {
  readonly proposals: number
  readonly proposalBytes: number
  readonly reads: number
  readonly calls: number
  /** Bytes of commands from other members, to be appended in the next turn. */
  readonly forwardedBytes: number
  /** Bytes of the log in memory. */
  readonly logBytes: number
  /** Of those, of entries that are applied: kept for members that lag, and for a restart. */
  readonly appliedLogBytes: number
  /** Bytes of changes that wait for the next write of the state. */
  readonly stagedBytes: number
  readonly watches: number
  /** Bytes of events that wait for the consumers of watches. */
  readonly watchBufferBytes: number
}

/**
 * Told of everything, synchronously, in the middle of the member's work: it should note what it needs and return. What it
 * throws is logged and dropped: who observes harms nobody (so a checker keeps what it found and tells it elsewhere).
 */
export type Observe = (event: MemberEvent) => void

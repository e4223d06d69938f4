/**
 * Every noteworthy decision of the core, typed. Logs, transcripts, metrics and the coverage of simulations are readers of
 * this one stream; `describe.ts` gives each a line.
 *
 * Always: emitting costs nothing when nobody listens (`trace?.({ ... })` does not even build the event).
 * Always: an event tells what was decided and why, not that a function was called.
 */
import type { Message, Snapshot } from './message.js'
import type { ProposalRefusal } from './ready.js'
import type { ConfigurationRefusal } from './confchange/change.js'
import type { TransferRefusal } from './transfer-result.js'
import type { Configuration, Index, LogPosition, NodeId, Term } from './types.js'

/** Why a vote or a pre-vote was not given. */
export type VoteRefusal =
  /** The candidate's term is over. */
  | 'old-term'
  /** A leader was heard from within the election timeout (thesis 4.2.3, 9.6). */
  | 'leader-is-heard'
  /** This member restarted less than an election timeout ago and may have heard a leader just before. */
  | 'restarted-lately'
  /** The vote of this term belongs to somebody else, or the term has a leader. */
  | 'voted-already'
  /** This member lost promises it gave before (promises.ts): this one might contradict them. */
  | 'promises-lost'
  /** The candidate's log misses entries that may be committed (thesis 3.6.1). */
  | 'log-is-behind'

/** Why a snapshot that was received is not restored. */
export type SnapshotRefusal =
  /** What is committed here goes as far. */
  | 'already-committed'
  /** The log holds its position: the entries say the same. */
  | 'log-has-it'
  /** Another one came in before it was begun. */
  | 'replaced'
  /** Its sender does not lead in our term. */
  | 'not-followed'

export type IgnoreReason = 'not-for-us' | 'unknown-sender' | 'old-term' | 'not-awaited'

interface Emitted {
  /** Who decided. */
  readonly node: NodeId
}

export type RaftEvent = Emitted &
  (
    | { readonly type: 'became-follower'; readonly term: Term; readonly leader: NodeId }
    | { readonly type: 'became-pre-candidate'; readonly term: Term }
    | { readonly type: 'became-candidate'; readonly term: Term }
    | { readonly type: 'became-leader'; readonly term: Term; readonly lastIndex: Index }
    | { readonly type: 'leader-changed'; readonly term: Term; readonly leader: NodeId }
    | { readonly type: 'quorum-lost'; readonly term: Term; readonly lastContactMs: number }
    | { readonly type: 'campaign-postponed'; readonly term: Term }
    | { readonly type: 'pre-vote-granted'; readonly term: Term; readonly to: NodeId }
    | { readonly type: 'pre-vote-refused'; readonly term: Term; readonly to: NodeId; readonly reason: VoteRefusal }
    | { readonly type: 'vote-granted'; readonly term: Term; readonly to: NodeId }
    | { readonly type: 'vote-refused'; readonly term: Term; readonly to: NodeId; readonly reason: VoteRefusal }
    | { readonly type: 'election-lost'; readonly term: Term }
    | { readonly type: 'append-rejected'; readonly previous: LogPosition; readonly hint: LogPosition }
    | { readonly type: 'log-truncated'; readonly from: Index; readonly lastIndex: Index }
    | { readonly type: 'log-compacted'; readonly index: Index }
    | { readonly type: 'commit-advanced'; readonly index: Index }
    | { readonly type: 'write-durable'; readonly write: number; readonly durableIndex: Index }
    | { readonly type: 'progress-probe'; readonly follower: NodeId; readonly nextIndex: Index }
    | { readonly type: 'progress-replicate'; readonly follower: NodeId; readonly nextIndex: Index }
    | { readonly type: 'progress-snapshot'; readonly follower: NodeId; readonly compactedIndex: Index }
    | { readonly type: 'snapshot-requested'; readonly follower: NodeId; readonly minimumIndex: Index }
    | { readonly type: 'snapshot-sent'; readonly follower: NodeId; readonly position: LogPosition }
    | { readonly type: 'snapshot-failed'; readonly follower: NodeId }
    | { readonly type: 'snapshot-accepted'; readonly from: NodeId; readonly position: LogPosition }
    | {
        readonly type: 'snapshot-refused'
        readonly from: NodeId
        readonly position: LogPosition
        readonly reason: SnapshotRefusal
      }
    | { readonly type: 'snapshot-restored'; readonly position: LogPosition }
    | { readonly type: 'recovery-started'; readonly follower: NodeId; readonly barrierIndex: Index }
    | { readonly type: 'promises-restored'; readonly term: Term; readonly index: Index }
    | { readonly type: 'follower-asked-again'; readonly follower: NodeId; readonly previousIndex: Index }
    | { readonly type: 'proposal-refused'; readonly reason: ProposalRefusal; readonly count: number }
    | { readonly type: 'read-round-started'; readonly round: number; readonly index: Index; readonly count: number }
    | { readonly type: 'read-round-confirmed'; readonly round: number; readonly index: Index; readonly count: number }
    | { readonly type: 'configuration-adopted'; readonly index: Index; readonly configuration: Configuration }
    | { readonly type: 'configuration-rolled-back'; readonly index: Index; readonly configuration: Configuration }
    | { readonly type: 'configuration-refused'; readonly reason: ConfigurationRefusal }
    | { readonly type: 'leader-removed'; readonly term: Term }
    | { readonly type: 'transfer-started'; readonly to: NodeId }
    | { readonly type: 'transfer-refused'; readonly reason: TransferRefusal }
    | { readonly type: 'transfer-aborted'; readonly to: NodeId }
    | { readonly type: 'told-to-campaign'; readonly to: NodeId }
    | { readonly type: 'reads-dropped'; readonly count: number }
    | {
        readonly type: 'message-ignored'
        readonly message: (Message | Snapshot)['type']
        readonly from: NodeId
        readonly term: Term
        readonly reason: IgnoreReason
      }
  )

export type RaftEventType = RaftEvent['type']

/**
 * What members say to each other: one interface per message, told apart by `type`.
 *
 * Always: `term` is the sender's term, except in `pre-vote` (the term it would campaign in) and in a granting
 * `pre-vote-reply` (the term it grants). Messages may be lost, repeated, delayed and reordered; never altered.
 */
import type { Configuration, Entry, Index, LogPosition, NodeId, Term } from './types.js'

interface Envelope {
  readonly from: NodeId
  readonly to: NodeId
  readonly term: Term
}

/** "Would you vote for me?": asked without raising any term, so that a member cut off disturbs nobody (thesis 9.6). */
export interface PreVote extends Envelope {
  readonly type: 'pre-vote'
  readonly lastIndex: Index
  readonly lastTerm: Term
}

export interface PreVoteReply extends Envelope {
  readonly type: 'pre-vote-reply'
  readonly granted: boolean
}

/** RequestVote (thesis 3.4). */
export interface Vote extends Envelope {
  readonly type: 'vote'
  readonly lastIndex: Index
  readonly lastTerm: Term
  /** The leader itself asked for this election: it is heard although that leader is (thesis 4.2.3, end). */
  readonly forced?: true
}

export interface VoteReply extends Envelope {
  readonly type: 'vote-reply'
  readonly granted: boolean
}

/** AppendEntries with the entry before the first one (thesis 3.5). `entries` may be empty: a probe, or news of `commit`. */
export interface Append extends Envelope {
  readonly type: 'append'
  readonly previousIndex: Index
  readonly previousTerm: Term
  readonly commit: Index
  readonly entries: readonly Entry[]
}

/** Sent once everything it acknowledges is durable: the log matches the leader's up to `matchIndex`. */
export interface AppendAccepted extends Envelope {
  readonly type: 'append-accepted'
  readonly matchIndex: Index
}

/**
 * The entry before `previousIndex` + 1 does not match. The hint is the highest entry of the follower that may match, so
 * that the leader skips whole terms (thesis 3.5, end).
 */
export interface AppendRejected extends Envelope {
  readonly type: 'append-rejected'
  readonly previousIndex: Index
  readonly hintIndex: Index
  readonly hintTerm: Term
}

/** "I still lead." `round` names the confirmation round of reads it belongs to (thesis 6.4); replies repeat it. */
export interface Heartbeat extends Envelope {
  readonly type: 'heartbeat'
  /** At most what the receiver is known to hold: a follower never commits an entry that it does not have. */
  readonly commit: Index
  readonly round: number
}

export interface HeartbeatReply extends Envelope {
  readonly type: 'heartbeat-reply'
  readonly round: number
}

/** A follower asks the leader for a read index (thesis 6.4). `requestId` is fresh for each try. */
export interface ReadIndexRequest extends Envelope {
  readonly type: 'read-index'
  readonly requestId: number
}

export interface ReadIndexReply extends Envelope {
  readonly type: 'read-index-reply'
  readonly requestId: number
  readonly index: Index
}

/** The leader hands over: campaign at once (thesis 3.10). */
export interface TimeoutNow extends Envelope {
  readonly type: 'timeout-now'
}

/** An answer of a member that lost its promises: it may guide what is sent, and counts for nothing. See promises.ts. */
export interface Recovering extends Envelope {
  readonly type: 'recovering'
  /** Names this life of the member. */
  readonly recoveryId: number
  readonly answer: AppendAccepted | AppendRejected | HeartbeatReply
}

/** The leader to such a member: what you hold, up to `index`, makes up for all that you lost. */
export interface Recovered extends Envelope {
  readonly type: 'recovered'
  readonly recoveryId: number
  readonly index: Index
}

/**
 * A state in place of entries (thesis chapter 5). Never among the messages handed out, and never on the wire by itself:
 * the driver makes it when it has received the state behind it, whole and verified. `term` is the sender's.
 */
export interface Snapshot extends Envelope {
  readonly type: 'snapshot'
  /** The last entry that the state contains. */
  readonly position: LogPosition
  /** The configuration at that position: what the sender's `configurationAt` says. */
  readonly configuration: Configuration
}

export type Message =
  | PreVote
  | PreVoteReply
  | Vote
  | VoteReply
  | Append
  | AppendAccepted
  | AppendRejected
  | Heartbeat
  | HeartbeatReply
  | ReadIndexRequest
  | ReadIndexReply
  | TimeoutNow
  | Recovering
  | Recovered

export type MessageType = Message['type']

/** The vocabulary of the consensus core: what a log, a vote and a member are. Thesis chapter 3. */

/** A member of the cluster; a positive safe integer. 0 stands for nobody. */
export type NodeId = number
export const NOBODY: NodeId = 0

/** A term: a period of at most one leader; starts at 0, grows by elections. */
export type Term = number

/** A position in the log; the first entry has index 1. */
export type Index = number

/**
 * What an entry carries. `normal` belongs to the state machine; `noop` is what a new leader appends so that it can commit
 * (thesis 6.4); `configuration` carries voters and learners, in force from where it is appended (confchange/codec.ts).
 */
export type EntryKind = 'normal' | 'noop' | 'configuration'

export interface Entry {
  readonly index: Index
  readonly term: Term
  readonly kind: EntryKind
  /** Opaque to Raft; owned by the log once given to it: nobody changes it afterwards. */
  readonly data: Uint8Array
}

/** What must be durable before a reply that rests on it leaves (thesis figure 3.1, "persistent state"). */
export interface HardState {
  readonly term: Term
  /** Whom this member voted for in `term`; {@link NOBODY} if it has not voted. */
  readonly vote: NodeId
}

/** A position together with the term of the entry there: names one entry of one history. */
export interface LogPosition {
  readonly index: Index
  readonly term: Term
}

/**
 * Who belongs to the cluster. With `outgoing` it is joint: a quorum is then a majority of the voters *and* one of the
 * outgoing ones (thesis 4.3).
 */
export interface Configuration {
  readonly voters: readonly NodeId[]
  /** The voters before the change that is under way; default none. */
  readonly outgoing?: readonly NodeId[]
  /** They get the log and are not counted; default none. */
  readonly learners?: readonly NodeId[]
  /** Outgoing voters that are learners once the joint configuration is left; default none. */
  readonly learnersNext?: readonly NodeId[]
  /** Whether a joint configuration is left as soon as it is committed, or when asked; default false. */
  readonly autoLeave?: boolean
}

export type Role = 'follower' | 'pre-candidate' | 'candidate' | 'leader'

/** What a member finds on its disk when it starts; empty for a new one. */
export interface StoredState {
  readonly hardState: HardState
  /** The last entry that is no longer in the log: everything up to it is in the state machine. `{0, 0}` at first. */
  readonly compacted: LogPosition
  /** The entries behind `compacted`, without gaps. */
  readonly entries: readonly Entry[]
  /** Up to here the state machine's own state is durable; at least `compacted.index`. */
  readonly applied: Index
  /**
   * The disk holds less than was promised from it: terms, votes or acknowledged entries are missing, however many. Such a
   * member does not vote, and is not counted, until a leader has brought it up to date: promises.ts. Default false.
   */
  readonly promisesLost?: boolean
}

/** Whether a member's disk still holds all that was promised from it; without, it has no say. */
export type Promises = 'kept' | 'lost'

/**
 * The output of the core: what to do now. The one who drives it performs the effects and reports the write back.
 *
 * Always: every message handed out may be sent at once. Those that rest on a write (votes, acceptances) are held back in
 * the core until `advance` reported that write; a leader's appends are not (thesis 10.2.1: it sends while it writes).
 * Always: at most one write is under way; what arrives meanwhile goes into the next one (group commit).
 * Always: `committed` holds only entries that are durable in this member's own log, each exactly once, in order.
 */
import type { Message } from './message.js'
import type { Configuration, Entry, HardState, Index, LogPosition, NodeId, Promises, Role, Term } from './types.js'

/** One atomic, durable write. */
export interface Write {
  /** Names this write to `advance`; grows by one. */
  readonly id: number
  /** Given whole with every write, whether it changed or not. */
  readonly hardState: HardState
  /** Entries in order; entries on disk from `entries[0].index` on are replaced by them. Empty: only the hard state changed. */
  readonly entries: readonly Entry[]
}

/**
 * A received snapshot takes the place of the log and of the state machine's state: to be made durable as one, and reported
 * like a write. Meanwhile there is no other write; entries that were handed out before are part of it.
 */
export interface Restore {
  /** Names it to `advance`, like the id of a write. */
  readonly writeId: number
  readonly hardState: HardState
  /** The log begins behind it; everything that was in it is gone. */
  readonly position: LogPosition
  readonly configuration: Configuration
}

/**
 * A follower needs a state, at least as new as `minimumIndex`: please send one, and report with `snapshotSent` or
 * `snapshotFailed`. Where one is on its way to it already, there is nothing to do.
 */
export interface SnapshotRequest {
  readonly to: NodeId
  readonly minimumIndex: Index
}

/** The answer to a linearizable read: once the state machine has applied `index`, it may be read. */
export interface ReadState {
  readonly requestId: number
  readonly index: Index
}

export interface Ready {
  readonly write: Write | undefined
  readonly messages: readonly Message[]
  readonly committed: readonly Entry[]
  readonly reads: readonly ReadState[]
  /** Read requests that will get no answer (the leader changed): to be asked again under a fresh id. */
  readonly droppedReads: readonly number[]
  /** In place of a write. */
  readonly restore: Restore | undefined
  readonly snapshots: readonly SnapshotRequest[]
  /** Received snapshots that are not needed (any more): their bytes may be thrown away. */
  readonly refusedSnapshots: readonly LogPosition[]
  /** To be recorded with the write, or restore, of this output; what `promisesLost` says after a restart. */
  readonly promises: Promises
}

/** Why a proposal was not taken; it had and will have no effect. */
export type ProposalRefusal = 'not-leader' | 'too-much-uncommitted' | 'transferring'

export type ProposeResult =
  | { readonly accepted: true; readonly index: Index; readonly term: Term }
  | { readonly accepted: false; readonly reason: ProposalRefusal; readonly leader: NodeId }

export interface FollowerStatus {
  readonly id: NodeId
  readonly state: 'probe' | 'replicate' | 'snapshot'
  readonly matchIndex: Index
  readonly nextIndex: Index
  readonly lastContactMs: number
  /** It lost its promises and is not counted; see promises.ts. */
  readonly recovering: boolean
}

export interface Status {
  readonly id: NodeId
  readonly role: Role
  readonly term: Term
  readonly vote: NodeId
  readonly leader: NodeId
  readonly firstIndex: Index
  readonly lastIndex: Index
  readonly durableIndex: Index
  readonly commitIndex: Index
  /** The configuration in force, and the index of the entry that brought it. */
  readonly voters: readonly NodeId[]
  readonly outgoing: readonly NodeId[]
  readonly learners: readonly NodeId[]
  readonly configurationIndex: Index
  /** To whom leadership is being handed; `NOBODY` if it is not. */
  readonly transferringTo: NodeId
  /** Whether this member may vote and is counted. */
  readonly promises: Promises
  /** On a leader, its view of the others; elsewhere empty. */
  readonly followers: readonly FollowerStatus[]
}

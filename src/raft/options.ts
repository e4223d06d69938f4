/** What a core is given when it is made. Validated once, in settings.ts; inside, every value is present. */
import type { Random } from '../base/random.js'
import type { RaftEvent } from './trace.js'
import type { Configuration, Index, NodeId } from './types.js'

export interface RaftOptions {
  readonly id: NodeId
  /**
   * The configuration as of `stored.compacted`, or as of {@link configurationIndex}; entries behind it change it. Of a new cluster, its first voters. A member
   * that joins one and knows nothing of it yet is its only learner, without voters: it waits to be told.
   */
  readonly configuration: Configuration
  /**
   * The entry that brought `configuration`, where that is known: at most `stored.applied`. Entries up to there are not asked
   * for theirs. Default: `stored.compacted.index`.
   */
  readonly configurationIndex?: Index
  /** Least time without a leader after which a member campaigns, in milliseconds; the actual one is drawn from [1, 2) times this. Default 1000 (etcd). */
  readonly electionTimeoutMs?: number
  /** Time between heartbeats, in milliseconds; well below the election timeout. Default 100 (etcd). */
  readonly heartbeatIntervalMs?: number
  /** Ask before campaigning (thesis 9.6). Default true. */
  readonly preVote?: boolean
  /** A leader that has not heard from a quorum for an election timeout steps down; a follower that hears its leader grants no vote (thesis 6.2, 4.2.3). Default true. */
  readonly checkQuorum?: boolean
  /** Entries of one append message, in bytes. Default LIMITS.appendBytesMax. */
  readonly appendBytesMax?: number
  /** Append messages on the way to one follower. Default LIMITS.inflightAppendsMax. */
  readonly inflightAppendsMax?: number
  /** Bytes of those. Default LIMITS.inflightAppendBytesMax. */
  readonly inflightAppendBytesMax?: number
  /** Bytes proposed and not yet committed beyond which the leader refuses more. Default LIMITS.uncommittedBytesMax. */
  readonly uncommittedBytesMax?: number
  /** Entries handed out in one Ready to apply, in bytes. Default LIMITS.applyBatchBytesMax. */
  readonly applyBatchBytesMax?: number
  /** How long a snapshot of which nothing is reported may take until it is asked for again, in milliseconds. Default 60 000. */
  readonly snapshotTimeoutMs?: number
  /**
   * By how much the clock of any member may run too fast or too slow, as a share of true time: what leader leases are
   * shortened for. Default 0.05, a hundred times what a quartz does: they are renewed with every heartbeat anyway.
   */
  readonly clockDriftMax?: number
  /** Draws the election timeouts. Seeded: the same draws give the same run. */
  readonly random: Random
  /** Hints at who should lead: a voter that is outranked waits longer before it campaigns. The same on all members. Default: all equal. */
  readonly priority?: (id: NodeId) => number
  /** Told of every noteworthy decision, synchronously. It must not call back into the core. Default: nobody. */
  readonly trace?: (event: RaftEvent) => void
}

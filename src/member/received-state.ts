/** A state that came from another member: whole, verified, on disk, and not yet this member's own. */
import type { Machine } from '../machine/machine.js'
import type { CompleteConfiguration } from '../raft/configuration.js'
import type { LogPosition, NodeId, Term } from '../raft/types.js'
import type { IncomingState } from '../storage/incoming-state.js'

export interface ReceivedState {
  readonly incoming: IncomingState
  /** Loaded from it. */
  readonly machine: Machine
  readonly position: LogPosition
  /** Who belonged to the cluster at that position. */
  readonly configuration: CompleteConfiguration
  readonly from: NodeId
  /** In which its sender led: whoever leads from then on has in its log what the state holds. */
  readonly term: Term
}

/**
 * Everything that decides a simulated run, as data: drawn from a seed, shrunk when the run fails, written into the test
 * file that shows the failure.
 *
 * Always: two runs of one plan are the same, event by event. Always: `faults` and `operations` stand for themselves; any
 * may be left out and the others stay what they are, since every draw in the world is keyed by what it is about.
 */
import type { BuggifyPoint } from '../../base/buggify.js'
import type { Fault } from '../faults/fault.js'
import type { NetworkFaults } from '../sim/sim-network.js'
import type { Operation } from './operation.js'

export interface Plan {
  /** Decides the fate of each frame, the disk's timings, what a crash leaves, and the members' own randomness. */
  readonly seed: number
  /** Those that the cluster begins with. */
  readonly members: readonly string[]
  /** Processes that want to join it, as soon as somebody adds them. Default none: the members stay as they are. */
  readonly spares?: readonly string[]
  readonly settings: PlanSettings
  /** What the network does all the time, as rates. */
  readonly network: Partial<NetworkFaults>
  /** Points that are on in this run; each fires now and then. */
  readonly buggify: readonly BuggifyPoint[]
  readonly faults: readonly Fault[]
  readonly operations: readonly Operation[]
  /** Milliseconds of faults and operations, before everything heals and liveness is demanded. */
  readonly safetyMs: number
}

/** The options of `open()` that a seed draws. */
export interface PlanSettings {
  readonly electionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  readonly stateBufferBytesMax: number
  readonly logRetainBytes: number
  /** Default: as `open()` has it, longer than any lease of a drawn plan. */
  readonly leaseCheckpointIntervalMs?: number
  /** Default: none that a plan fills. */
  readonly quotaBytes?: number
  /** History that is older is forgotten. Default: only what operations forget. */
  readonly autoCompactionMs?: number
  /** Default: as `open()` has it, longer than most disks of a drawn plan hang. */
  readonly diskTimeoutMs?: number
}

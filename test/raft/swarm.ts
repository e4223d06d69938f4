/**
 * One run of a simulated cluster of cores, from the faults to the progress that must follow them; for the swarm and the
 * mutants, which make many.
 */
import type { RaftEventType } from '../../src/raft/trace.js'
import { SafetyViolation } from './checker.js'
import { ELECTION_TIMEOUT_MS, SimulatedCluster, type SimulationOptions } from './cluster.js'

export interface SeedResult {
  readonly seed: number
  /** What was found, if anything: a broken invariant, seen from above or by a core itself, or no progress. */
  readonly failure: Error | undefined
  readonly committed: number
  readonly termsWithLeader: number
}

export function runSeed(seed: number, options: SimulationOptions = {}): SeedResult {
  const cluster = new SimulatedCluster(seed, options)
  let failure: Error | undefined
  try {
    cluster.runFaulty(25 * ELECTION_TIMEOUT_MS)
    cluster.heal()
    demandProgress(cluster, options.churn === true ? 60 : 10)
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error))
  }
  const { committedIndex: committed, termsWithLeader } = cluster.checker
  return { seed, failure, committed, termsWithLeader }
}

/** With churn, a voter that was added without having been a learner may have everything to get, an entry at a time. */
function demandProgress(cluster: SimulatedCluster, timeouts: number): void {
  if (!cluster.runUntil(() => cluster.leader() !== undefined, 10 * ELECTION_TIMEOUT_MS)) {
    throw new SafetyViolation('liveness: no leader within ten election timeouts after all faults ended')
  }
  if (!cluster.runUntil(() => cluster.propose(cluster.leader()?.id ?? 0, 1), timeouts * ELECTION_TIMEOUT_MS)) {
    throw new SafetyViolation('liveness: no proposal is taken')
  }
  if (!cluster.runUntil(() => cluster.converged(), 100 * ELECTION_TIMEOUT_MS)) {
    throw new SafetyViolation('liveness: the members do not converge')
  }
}

/** Every kind of event there is; the compiler makes sure that none is forgotten. */
export const EVENT_TYPES: Readonly<Record<RaftEventType, true>> = {
  'became-follower': true,
  'became-pre-candidate': true,
  'became-candidate': true,
  'became-leader': true,
  'leader-changed': true,
  'quorum-lost': true,
  'campaign-postponed': true,
  'pre-vote-granted': true,
  'pre-vote-refused': true,
  'vote-granted': true,
  'vote-refused': true,
  'election-lost': true,
  'append-rejected': true,
  'log-truncated': true,
  'log-compacted': true,
  'commit-advanced': true,
  'write-durable': true,
  'progress-probe': true,
  'progress-replicate': true,
  'progress-snapshot': true,
  'snapshot-requested': true,
  'snapshot-sent': true,
  'snapshot-failed': true,
  'snapshot-accepted': true,
  'snapshot-refused': true,
  'snapshot-restored': true,
  'recovery-started': true,
  'promises-restored': true,
  'follower-asked-again': true,
  'proposal-refused': true,
  'read-round-started': true,
  'read-round-confirmed': true,
  'reads-dropped': true,
  'configuration-adopted': true,
  'configuration-rolled-back': true,
  'configuration-refused': true,
  'leader-removed': true,
  'transfer-started': true,
  'transfer-refused': true,
  'transfer-aborted': true,
  'told-to-campaign': true,
  'message-ignored': true,
}

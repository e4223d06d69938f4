/**
 * One run of a simulated cluster of cores, from the faults to the progress that must follow them; for the swarm and the
 * mutants, which make many.
 */
import type { RaftEventType } from '../../src/raft/trace.js'
import { DECISIONS } from '../../src/testing/swarm/expected.js'
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

/** Every kind of event there is. Members cannot bring about all of them yet, cores can. */
export const EVENT_TYPES = Object.keys(DECISIONS).sort() as RaftEventType[]

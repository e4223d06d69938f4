/**
 * Randomised runs of whole clusters of pure cores: safety through faults, then, once they end, progress. The check of the
 * check, that planted bugs are found: mutants.test.ts.
 *
 *     RAFT_SEED=123 npx vitest run test/raft/simulation.test.ts      one run, again
 *     RAFT_SEEDS=5000 npx vitest run test/raft/simulation.test.ts    many
 */
import { describe, expect, it } from 'vitest'
import type { RaftEvent, RaftEventType } from '../../src/raft/trace.js'
import { SafetyViolation } from './checker.js'
import { ELECTION_TIMEOUT_MS, SimulatedCluster, type SimulationOptions } from './cluster.js'
import { EVENT_TYPES } from './swarm.js'

const SEEDS = Number(process.env['RAFT_SEEDS'] ?? 300)
const onlySeed = process.env['RAFT_SEED']
const seeds = onlySeed === undefined ? Array.from({ length: SEEDS }, (_, at) => at + 1) : [Number(onlySeed)]

interface Summary {
  readonly terms: number
  readonly committed: number
}

/** One run from beginning to end. Throws what it finds, with the command that finds it again. */
function run(seed: number, options: SimulationOptions = {}): SimulatedCluster {
  const cluster = new SimulatedCluster(seed, options)
  try {
    cluster.runFaulty(25 * ELECTION_TIMEOUT_MS)
    cluster.heal()
    // A voter that was added without having been a learner may have everything to get, an entry at a time.
    demandProgress(cluster, options.churn === true ? 60 : 10)
  } catch (error) {
    const replay = `RAFT_SEED=${seed} npx vitest run test/raft/simulation.test.ts`
    if (error instanceof Error)
      error.message += `\n  at ${cluster.nowMs} ms\n${cluster.describe()}\n  replay: ${replay}`
    throw error
  }
  return cluster
}

function demandProgress(cluster: SimulatedCluster, timeouts: number): void {
  if (!cluster.runUntil(() => cluster.leader() !== undefined, 10 * ELECTION_TIMEOUT_MS)) {
    throw new SafetyViolation('liveness: no leader within ten election timeouts after all faults ended')
  }
  const proposed = cluster.runUntil(() => cluster.propose(cluster.leader()?.id ?? 0, 1), timeouts * ELECTION_TIMEOUT_MS)
  if (!proposed) throw new SafetyViolation('liveness: no proposal is taken')
  if (!cluster.runUntil(() => cluster.converged(), 100 * ELECTION_TIMEOUT_MS)) {
    throw new SafetyViolation('liveness: the members do not converge')
  }
}

describe('a cluster under faults', () => {
  it('keeps every invariant, and makes progress when the faults end', () => {
    const total = { terms: 0, committed: 0 }
    for (const seed of seeds) {
      const { checker } = run(seed)
      total.terms += checker.termsWithLeader
      total.committed += checker.committedIndex
    }
    // Otherwise nothing was tested.
    const summary: Summary = total
    expect(summary.terms).toBeGreaterThan(seeds.length)
    expect(summary.committed).toBeGreaterThan(10 * seeds.length)
  })

  it('keeps every invariant while members come and go and leadership is handed over', () => {
    const total = { changes: 0, committed: 0, leaseReads: 0, snapshots: 0, recoveries: 0 }
    const trace = ({ type }: RaftEvent): void => {
      if (type === 'snapshot-restored') total.snapshots++
      if (type === 'promises-restored') total.recoveries++
    }
    for (const seed of seeds) {
      const { checker, leaseReadsAnswered } = run(seed, { churn: true, trace })
      total.changes += checker.configurations
      total.committed += checker.committedIndex
      total.leaseReads += leaseReadsAnswered
    }
    if (onlySeed !== undefined) return
    expect(total.leaseReads).toBeGreaterThan(seeds.length)
    expect(total.snapshots).toBeGreaterThan(seeds.length / 2)
    expect(total.recoveries).toBeGreaterThan(seeds.length / 4)
    expect(total.changes).toBeGreaterThan(seeds.length)
    expect(total.committed).toBeGreaterThan(10 * seeds.length)
  })

  it('runs the same way when the seed is the same', () => {
    for (const seed of [11, 12, 13]) {
      const transcript = run(seed, { records: true }).transcript
      expect(transcript.length).toBeGreaterThan(100)
      expect(run(seed, { records: true }).transcript).toEqual(transcript)
    }
  })
})

describe.skipIf(onlySeed !== undefined)('the faults', () => {
  it('bring about every kind of event there is', () => {
    const seen = new Set<RaftEventType>()
    for (let seed = 1; seed <= 60; seed++)
      for (const churn of [false, true]) run(seed, { churn, trace: ({ type }) => seen.add(type) })
    expect([...seen].sort()).toEqual(EVENT_TYPES)
  })
})

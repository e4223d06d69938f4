/** The whole system on a simulated clock, network and disk: 200 seeds of faults, judged after every event. */
import { describe, expect, test } from 'vitest'
import { runSwarm, type SwarmReport } from 'quorate/testing'
import { describeReport } from '../../../src/testing/sim/replay.js'

const SEEDS = 200
const SEEDS_PER_TEST = 20

describe('three members in a simulated world', () => {
  const reports: SwarmReport[] = []

  for (let first = 1; first <= SEEDS; first += SEEDS_PER_TEST) {
    test(`keep every promise under loss, duplication, reordering, cuts and crashes: seeds ${first} to ${first + SEEDS_PER_TEST - 1}`, async () => {
      for (let seed = first; seed < first + SEEDS_PER_TEST; seed++) {
        const report = await runSwarm({ seed })
        reports.push(report)
        expect(report.failure, describeReport(report)).toBeUndefined()
      }
    })
  }

  test('were put to the test: every kind of fault happened, and most calls succeeded all the same', () => {
    const sum = (count: (report: SwarmReport) => number): number =>
      reports.reduce((total, each) => total + count(each), 0)
    expect(sum(({ crashes }) => crashes)).toBeGreaterThan(SEEDS)
    expect(sum(({ cuts }) => cuts)).toBeGreaterThan(SEEDS)
    expect(sum(({ stateWrites }) => stateWrites)).toBeGreaterThan(SEEDS)
    expect(sum(({ calls }) => calls.unknown + calls.pending)).toBeGreaterThan(0)
    expect(sum(({ calls }) => calls.ok)).toBeGreaterThan(100 * SEEDS)
  })
})

describe('two runs of one seed', () => {
  for (const seed of [1, 2, 3, 5, 8]) {
    test(`are the same, event by event: seed ${seed}`, async () => {
      const one = await runSwarm({ seed, keepTrace: true })
      const two = await runSwarm({ seed, keepTrace: true })
      const differs = one.trace.findIndex((line, at) => line !== two.trace[at])
      expect(differs < 0 ? undefined : [one.trace[differs], two.trace[differs]]).toBeUndefined()
      expect(two.traceHash).toBe(one.traceHash)
    })
  }
})

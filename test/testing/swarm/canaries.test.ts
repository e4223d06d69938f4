/** The net is shown to hold: bugs planted between a member and its world are found within a few seeds, and shrunk. */
import { drawPlan, runPlan, sameFailure, shrinkPlan, type Plan, type RunFailure } from 'quorate/testing'
import { describe, expect, test } from 'vitest'
import { CANARIES, type CanaryName } from '../../../scripts/sim/canaries.js'

const SEEDS = 20
const SAFETY_MS = 20_000
/** Of a machine that does much else. */
const TIMEOUT_MS = 600_000

interface Found {
  readonly plan: Plan
  readonly failure: RunFailure
}

async function find(name: CanaryName): Promise<Found> {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const plan = drawPlan(seed, { safetyMs: SAFETY_MS })
    const { failure } = await runPlan(plan, { plant: CANARIES[name]() })
    if (failure !== undefined) return { plan, failure }
  }
  throw new Error(`the planted bug ${name} was not found in ${SEEDS} seeds`)
}

const EXPECTED: Readonly<Record<CanaryName, readonly string[]>> = {
  'stale-read': ['not linearizable'],
  'lost-write': ['not linearizable'],
  'lying-disk': ['invariant', 'crash', 'not linearizable', 'liveness'],
  'lossy-watch': ['watch'],
}

describe('the swarm finds', { timeout: TIMEOUT_MS }, () => {
  for (const name of Object.keys(EXPECTED) as CanaryName[]) {
    test(`the planted bug ${name}`, async () => {
      expect(EXPECTED[name]).toContain((await find(name)).failure.kind)
    })
  }

  test('and makes a plan small that finds one: a few faults, a few operations', async () => {
    const { plan, failure } = await find('lost-write')
    let runs = 0
    const shrunk = await shrinkPlan(plan, {
      failsAtMs: async (candidate) => {
        runs++
        const report = await runPlan(candidate, { plant: CANARIES['lost-write']() })
        if (report.failure === undefined || !sameFailure(report.failure, failure)) return undefined
        return report.failedAtMs
      },
      isOver: () => runs >= 300,
    })
    expect(shrunk.faults.length).toBeLessThanOrEqual(10)
    expect(shrunk.operations.length).toBeLessThanOrEqual(30)
  })
})

/** Each kind of fault by itself: it takes effect, it is over, and the cluster is well afterwards. */
import { drawPlan, FAULT_TYPES, runPlan, type Fault, type FaultType, type Plan, type WorldEvent } from 'quorate/testing'
import { describe, expect, test } from 'vitest'
import { Standing } from '../../../src/testing/faults/standing.js'

const SAFETY_MS = 5_000
const AT_MS = 2_000

const drawn = (membership: boolean): Plan[] =>
  Array.from({ length: 200 }, (_, seed) => drawPlan(seed, { safetyMs: SAFETY_MS * 20, membership }))
const plans = drawn(false)
const changing = drawn(true)

/** The first plan that has a fault of this kind, with that fault alone, early, on a network without faults. */
function planWith(type: FaultType): Plan {
  for (const plan of type === 'disk-wipe' ? changing : plans) {
    // A state that was never written yet cannot rot.
    const fault = plan.faults.find((each) => each.type === type && !('part' in each && each.part === 'state'))
    if (fault === undefined || plan.members.length < 3) continue
    if ('member' in fault && !plan.members.includes(fault.member)) continue
    const short = {
      ...fault,
      atMs: AT_MS,
      ...('forMs' in fault ? { forMs: Math.min(fault.forMs, 2_000) } : {}),
    } as Fault
    const operations = plan.operations.filter(({ atMs, type: what }) => atMs < SAFETY_MS && what !== 'change-members')
    const settings = type === 'state-rot' ? { ...plan.settings, stateBufferBytesMax: 200 } : plan.settings
    return { ...plan, settings, faults: [short], operations, network: {}, buggify: [], safetyMs: SAFETY_MS }
  }
  throw new Error(`no plan of ${plans.length} has a fault of the kind ${type}`)
}

describe('a fault by itself', () => {
  for (const [type, what] of Object.entries(FAULT_TYPES) as [FaultType, string][]) {
    test(`takes effect and is survived: ${what}`, async () => {
      const plan = planWith(type)
      const seen: WorldEvent[] = []
      const report = await runPlan(plan, {
        observe: (event) => {
          if (event.subject === 'fault') seen.push(event)
        },
      })
      expect(report.failure?.message, JSON.stringify(plan.faults)).toBeUndefined()
      expect(report.coverage['fault']?.[type], JSON.stringify(plan.faults)).toBeGreaterThan(0)
      expect(seen.map(({ event }) => event)).toEqual(['begin', 'end'])
    })
  }
})

test('a sync that was to fail, and was not asked for before all was healed, does not fail any more', async () => {
  const plan = planWith('sync-failure')
  const { failure } = await runPlan({
    ...plan,
    faults: plan.members.map((member) => ({ atMs: AT_MS, type: 'sync-failure', member, downMs: 10_000 })),
    operations: [],
    safetyMs: AT_MS + 1,
  })
  expect(failure?.message).toBeUndefined()
})

describe('conditions that overlap', () => {
  test('hold until the last of them is over, and the latest counts', () => {
    const standing = new Standing()
    const counts: (number | undefined)[] = []
    const begin = (value: number): (() => void) => standing.begin('slow a', value, (now) => counts.push(now))
    const endFirst = begin(2)
    const endSecond = begin(5)
    endFirst()
    endFirst()
    expect(standing.has('slow a')).toBe(true)
    endSecond()
    expect(standing.has('slow a')).toBe(false)
    expect(counts).toEqual([2, 5, 5, undefined])
  })
})

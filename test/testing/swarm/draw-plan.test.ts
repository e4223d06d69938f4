/** Plans that seeds draw: the same each time, recoverable, and made of parts that do not depend on each other. */
import { drawPlan, FAULT_TYPES, type FaultType, type Plan } from 'quorate/testing'
import { describe, expect, test } from 'vitest'
import { OPERATIONS, STEPS } from '../../../src/testing/swarm/expected.js'

const plans = Array.from({ length: 400 }, (_, seed) => drawPlan(seed, { safetyMs: 60_000 }))

describe('a drawn plan', () => {
  test('is the same for the same seed', () => {
    expect(drawPlan(7)).toEqual(drawPlan(7))
    expect(drawPlan(7)).not.toEqual(drawPlan(8))
  })

  test('has disks that rot in half of the clusters of several, also where members are sent snapshots, and in no other', () => {
    const rots = ({ faults }: Plan): boolean => faults.some(({ type }) => type === 'disk-rot' || type === 'state-rot')
    const staying = plans.filter(({ spares }) => spares === undefined)
    const several = staying.filter(({ members }) => members.length > 1)
    expect(several.filter(rots).length / several.length).toBeGreaterThan(0.5)
    const short = several.filter(({ settings }) => settings.logRetainBytes < 1 << 30)
    expect(short.length / several.length).toBeGreaterThan(0.3)
    expect(short.some(rots)).toBe(true)
    expect(staying.filter(({ members }) => members.length === 1).some(rots)).toBe(false)
  })

  test('has some kinds of faults and leaves others out, and all kinds come', () => {
    const kindsOf = ({ faults }: Plan): Set<FaultType> => new Set(faults.map(({ type }) => type))
    expect(new Set(plans.flatMap((plan) => [...kindsOf(plan)]))).toEqual(new Set(Object.keys(FAULT_TYPES)))
    expect(plans.some((plan) => kindsOf(plan).size === 0)).toBe(true)
    expect(plans.some((plan) => kindsOf(plan).size > 8)).toBe(true)
  })

  test('names its own members only, and begins everything within its time', () => {
    for (const { seed, members, spares = [], faults, operations, safetyMs } of plans) {
      const each = [...faults, ...operations]
      const named = new Set(
        each.flatMap((one) => ('member' in one ? [one.member] : 'from' in one ? [one.from, one.to] : [])),
      )
      expect(
        [...named].filter((name) => ![...members, ...spares].includes(name)),
        `seed ${seed}`,
      ).toEqual([])
      expect(
        each.filter(({ atMs }) => atMs < 0 || atMs >= safetyMs),
        `seed ${seed}`,
      ).toEqual([])
      expect(new Set(operations.map(({ id }) => id)).size).toBe(operations.length)
    }
  })

  test('asks for everything that there is to ask for, and has users who ask in one of three', () => {
    const asked = plans.map(({ operations }) => operations)
    expect(new Set(asked.flatMap((each) => each.map(({ type }) => type)))).toEqual(new Set(Object.keys(OPERATIONS)))
    const withUsers = asked.filter((each) => each.some(({ as }) => as === 'ann')).length / plans.length
    expect(withUsers).toBeGreaterThan(0.2)
    expect(withUsers).toBeLessThan(0.4)
    const { operations } = drawPlan(7, { safetyMs: 60_000, authorization: false })
    expect(operations.filter(({ as, type }) => as !== undefined || type === 'administer')).toEqual([])
  })

  test('has members that come and go in one of four, with every step, and disks that are wiped in no other', () => {
    const changes = plans.flatMap(({ operations }) =>
      operations.flatMap((each) => (each.type === 'change-members' ? [each] : [])),
    )
    expect(new Set(changes.map(({ step }) => step.step))).toEqual(new Set(Object.keys(STEPS)))
    const changing = plans.filter(({ spares }) => spares !== undefined)
    expect(changing.length / plans.length).toBeGreaterThan(0.2)
    expect(changing.length / plans.length).toBeLessThan(0.3)
    expect(changing.every(({ spares = [] }) => spares.length > 0)).toBe(true)
    const wiped = plans.filter(({ faults }) => faults.some(({ type }) => type === 'disk-wipe'))
    expect(wiped.filter(({ spares }) => spares === undefined)).toEqual([])
    const { spares, operations } = drawPlan(7, { safetyMs: 60_000, membership: false })
    expect(spares).toBeUndefined()
    expect(operations.some(({ type }) => type === 'change-members')).toBe(false)
  })

  test('asks about as often as it is told to', () => {
    const { operations } = drawPlan(3, { safetyMs: 100_000, operationsPerSecond: 20, membership: false })
    expect(operations.length).toBeGreaterThan(1_900)
    expect(operations.length).toBeLessThan(2_300)
  })

  test('has the same beginning when it is longer: time does not change what comes before', () => {
    const short = drawPlan(11, { safetyMs: 30_000 })
    const long = drawPlan(11, { safetyMs: 60_000 })
    const starts = ({ faults }: Plan): string[] =>
      faults.filter(({ atMs }) => atMs < 20_000).map(({ atMs, type }) => `${atMs} ${type}`)
    expect(starts(short)).toEqual(starts(long))
  })

  test('is refused for a seed that is none', () => {
    expect(() => drawPlan(-1)).toThrow(/seed must be a whole number from 0 on, not -1/)
    expect(() => drawPlan(0.5)).toThrow(RangeError)
  })
})

/** Shrinking: what has no part in a failure goes, and what is left was seen to fail. */
import { drawPlan, shrinkPlan, type Fault, type Plan } from 'quorate/testing'
import { describe, expect, test } from 'vitest'

/** Fails when a process crashes and a later compaction meets it: the least that does it is one fault and one operation. */
function failsAtMs({ faults, operations }: Plan): number | undefined {
  const crash = faults.find(({ type }) => type === 'crash')
  const compaction = operations.find(({ type, atMs }) => type === 'compact' && atMs > (crash?.atMs ?? Infinity))
  return compaction?.atMs
}

const plan = Array.from({ length: 50 }, (_, seed) => drawPlan(seed)).find(
  (each) => failsAtMs(each) !== undefined,
) as Plan

describe('shrinking a plan', () => {
  test('leaves the one fault and the one operation that it takes', async () => {
    expect(plan.operations.length).toBeGreaterThan(5_000)
    let runs = 0
    const shrunk = await shrinkPlan(plan, {
      failsAtMs: (candidate) => {
        runs++
        return Promise.resolve(failsAtMs(candidate))
      },
    })
    expect(shrunk.faults.map(({ type }) => type)).toEqual(['crash'])
    expect(shrunk.operations.map(({ type }) => type)).toEqual(['compact'])
    expect(shrunk.members.length).toBeLessThan(plan.members.length + 1)
    expect(shrunk.network).toEqual({})
    expect(shrunk.safetyMs).toBeLessThan(1_000)
    expect(runs).toBeLessThan(200)
  })

  test('leaves as many members as the faults need', async () => {
    const rot: Fault = { atMs: 10, type: 'disk-rot', member: 'a', rot: 'hole', part: 'log', downMs: 5 }
    const rotten: Plan = { ...plan, members: ['a', 'b', 'c', 'd', 'e'], faults: [rot], operations: [] }
    const shrunk = await shrinkPlan(rotten, {
      failsAtMs: ({ faults }) => Promise.resolve(faults.length > 0 ? 20 : undefined),
    })
    expect(shrunk.members).toHaveLength(3)
  })

  test('finds the time in which it happens first, where that shows only at the end of a run', async () => {
    const [wanted] = plan.operations.filter(({ type, atMs }) => type === 'compact' && atMs > 100_000)
    const sizes: number[] = []
    const shrunk = await shrinkPlan(plan, {
      failsAtMs: ({ operations, safetyMs }) => {
        sizes.push(operations.length)
        return Promise.resolve(operations.some(({ id }) => id === wanted?.id) ? safetyMs + 5_000 : undefined)
      },
    })
    expect(shrunk.operations.map(({ id }) => id)).toEqual([wanted?.id])
    expect(sizes.slice(20).every((size) => size < plan.operations.length / 10)).toBe(true)
    expect(sizes.length).toBeLessThan(100)
  })

  test('returns only plans that fail', async () => {
    const odd = (candidate: Plan): number | undefined => (candidate.operations.length % 3 === 1 ? 1_000_000 : undefined)
    const start = { ...plan, operations: plan.operations.slice(0, 1_000) }
    expect(odd(await shrinkPlan(start, { failsAtMs: (candidate) => Promise.resolve(odd(candidate)) }))).toBeDefined()
  })

  test('gives back a plan that does not fail', async () => {
    expect(await shrinkPlan(plan, { failsAtMs: () => Promise.resolve(undefined) })).toBe(plan)
  })

  test('begins no run when the time is over', async () => {
    let runs = 0
    await shrinkPlan(plan, {
      failsAtMs: (candidate) => Promise.resolve((runs++, failsAtMs(candidate))),
      isOver: () => runs >= 5,
    })
    expect(runs).toBe(5)
  })
})

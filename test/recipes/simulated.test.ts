/**
 * Every recipe in the simulated world: a few seeds here, as many as one likes by `npm run sim:recipes`.
 *
 * A failure tells the story, and which seed to give to `npm run sim:recipes -- <scenario> --seed N`.
 */
import { describe, expect, test } from 'vitest'
import { describeFailure } from 'quorate/testing'
import { SCENARIOS } from './simulated/scenarios.js'

/** Pauses that are longer than a lease are in every second one. */
const SEEDS = { from: 1, count: 4 }
const FEWER_SEEDS = { from: 1, count: 2 }
/** Dear ones, of which the first two seeds reach all that the first four do. */
const DEAR: readonly string[] = [
  'barrier',
  'counter',
  'double-barrier',
  'mutex',
  'namespace',
  'scheduler',
  'semaphore',
  'stm',
]

test('every scenario has a name of its own', () => {
  const names = SCENARIOS.map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
})

describe.each(SCENARIOS.map((scenario) => [scenario.name, scenario] as const))('%s', (_, scenario) => {
  test('keeps its promises in a few seeds, and is really used in them', async () => {
    const { failure, marks } = await scenario.run(DEAR.includes(scenario.name) ? FEWER_SEEDS : SEEDS)
    expect(failure && describeFailure(failure)).toBeUndefined()
    const reached = scenario.marks.filter((mark) => (marks[mark] ?? 0) > 0)
    expect(reached, `none of ${scenario.marks.join(', ')}`).not.toEqual([])
  })

  const naive = Object.entries(scenario.naive).map(([name, variant]) => [name, variant] as const)
  test.each(naive)('is found out where it is naive: %s', async (_name, { finds, seed, run }) => {
    const { failure } = await run({ from: seed, count: 1 })
    expect(failure?.message ?? 'nothing was found').toMatch(finds)
  })
})

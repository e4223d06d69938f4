/** Plans in which members come and go: what once went wrong, as small as it was found. */
import { drawPlan, runPlan, type Operation, type Plan } from 'quorate/testing'
import { describe, expect, test } from 'vitest'

const { settings } = drawPlan(1)
const SEED_OF_ONE = 47

type Step = Extract<Operation, { type: 'change-members' }>['step']

/** Each step at its time, asked of `a`. */
function planOf(members: readonly string[], steps: readonly (readonly [atMs: number, step: Step])[]): Plan {
  return {
    seed: 1,
    members,
    spares: ['d'],
    settings: { ...settings, electionTimeoutMs: 500, heartbeatIntervalMs: 50 },
    network: {},
    buggify: [],
    faults: [],
    operations: steps.map(([atMs, step], at) => ({
      ...{ id: at, atMs, client: at, member: 'a', timeoutMs: 10_000 },
      ...{ type: 'change-members', step },
    })),
    safetyMs: 15_000,
  }
}

describe('members that come and go', () => {
  test('the address of one changes, before it listens there', async () => {
    const { failure, coverage } = await runPlan(
      planOf(['a', 'b', 'c'], [[2_000, { step: 'update', name: 'b', address: 'b#2' }]]),
    )
    expect(failure?.message).toBeUndefined()
    expect(coverage['members']).toEqual({ 'update ok': 1 })
    expect(coverage['machines']).toMatchObject({ 'a process moves to another address': 1 })
  })

  test('one that was removed comes back under its name, with a directory of its own', async () => {
    const { failure, coverage } = await runPlan(
      planOf(
        ['a', 'b', 'c'],
        [
          [2_000, { step: 'remove', name: 'c' }],
          [5_000, { step: 'add', name: 'c', role: 'voter' }],
          [5_100, { step: 'add', name: 'd', role: 'voter' }],
        ],
      ),
    )
    expect(failure?.message).toBeUndefined()
    expect(coverage['members']).toEqual({ 'remove ok': 1, 'add ok': 2 })
    expect(coverage['machines']).toMatchObject({
      'a removed one is told': 1,
      'a removed one begins anew with an empty directory': 1,
    })
  })

  test('a learner is cut off while leadership goes to one that it does not know', async () => {
    const plan = planOf(
      ['a', 'b'],
      [
        [1_000, { step: 'remove', name: 'b' }],
        [2_000, { step: 'add', name: 'b', role: 'learner' }],
        [8_000, { step: 'add', name: 'd', role: 'voter' }],
        [12_000, { step: 'move-leader', name: 'd' }],
        [13_000, { step: 'list', consistency: 'linearizable' }],
      ],
    )
    const { failure, coverage } = await runPlan({
      ...plan,
      faults: [{ atMs: 7_900, type: 'cut', from: 'a', to: 'b', forMs: 100_000 }],
    })
    expect(failure?.message).toBeUndefined()
    expect(coverage['members']).toMatchObject({ 'add ok': 2, 'move-leader ok': 1 })
  })

  test('one joins when all members that the beginning of the log names are gone', async () => {
    const plan = planOf(
      ['a', 'b', 'c'],
      [
        [1_000, { step: 'remove', name: 'c' }],
        [2_000, { step: 'add', name: 'd', role: 'voter' }],
        [5_000, { step: 'move-leader', name: 'd' }],
        [6_000, { step: 'remove', name: 'b' }],
        [7_000, { step: 'remove', name: 'a' }],
      ],
    )
    const add: Operation = {
      ...{ id: 99, atMs: 8_000, client: 99, member: 'd', timeoutMs: 10_000 },
      ...{ type: 'change-members', step: { step: 'add', name: 'b', role: 'learner' } },
    }
    // With this seed the leader sends one entry at a time, so that the newcomer goes through what was.
    const operations = [...plan.operations, add]
    const { failure, coverage } = await runPlan({
      ...plan,
      operations,
      seed: SEED_OF_ONE,
      buggify: ['append-of-one'],
      network: { delayMsMin: 5, delayMsHalf: 5 },
    })
    expect(failure?.message).toBeUndefined()
    expect(coverage['slow way']).toHaveProperty('append-of-one')
    expect(coverage['members']).toMatchObject({ 'remove ok': 3, 'add ok': 2 })
  })

  test.each([1, 2, 3, 4, 5, 6, 7, 8])('seed %i: a minute of changes under faults', async (seed) => {
    const { failure, coverage } = await runPlan(drawPlan(seed, { safetyMs: 60_000, membership: true }))
    expect(failure?.message).toBeUndefined()
    expect(coverage['members']).toBeDefined()
  })
})

/** Crash after crash, also while it starts again: what is found is always what was acknowledged. */
import fc from 'fast-check'
import { test } from 'vitest'
import { CrashWorld, type Step } from './crash-script.js'

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('append' as const),
      back: fc.nat(5),
      count: fc.nat(4),
      newTerm: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('trim' as const), back: fc.nat(5) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('commit' as const),
      keys: fc.array(fc.constantFrom('a', 'b', '\0', '\xff', 'key'), { maxLength: 5 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('reopen' as const) }) },
)

const life = fc.record({
  steps: fc.array(step, { maxLength: 12 }),
  events: fc.nat(60),
  kind: fc.constantFrom('process' as const, 'power' as const),
})

test('several lives', async () => {
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.array(life, { minLength: 1, maxLength: 6 }), async (seed, lives) => {
      const world = new CrashWorld(seed)
      for (const { steps, events, kind } of lives) await world.run(steps, events, kind)
      await world.check()
    }),
    { numRuns: 400 },
  )
})

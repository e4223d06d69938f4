/** Whatever a disk does to it, storage gives what was acknowledged, or refuses; and goes on refusing. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DiskWorld, type Life, type Step, type Verdict } from './disk-life.js'

const RUNS = Number(process.env['FC_NUM_RUNS'] ?? 400)

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant('append' as const),
      back: fc.nat(5),
      count: fc.nat(4),
      newTerm: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('trim' as const), back: fc.nat(5) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('commit' as const),
      keys: fc.array(fc.constantFrom('b', 'c', '\0', '\xff', 'key'), { maxLength: 5 }),
      appending: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('reopen' as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('slow' as const), factor: fc.constantFrom(0.5, 10, 1000) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('hang' as const), forMs: fc.integer({ min: 1, max: 5000 }) }) },
)

const failing: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    type: fc.constant('fail' as const),
    operation: fc.constantFrom('open' as const, 'read' as const, 'write' as const, 'sync' as const),
  }),
  fc.record({ type: fc.constantFrom('full' as const, 'lie' as const, 'copy' as const) }),
)

const decay = fc.tuple(
  fc.constantFrom('torn-tail' as const, 'hole' as const, 'bit-flip' as const, 'unopenable' as const),
  fc.constantFrom('log' as const, 'state' as const, 'high-water' as const),
)

function livesOf(steps: fc.Arbitrary<Step>, decays: fc.Arbitrary<Life['decay']>, restore: fc.Arbitrary<boolean>) {
  const life = fc.record({
    steps: fc.array(steps, { maxLength: 14, size: 'max' }),
    events: fc.oneof(fc.nat(60), fc.constant(Infinity)),
    end: fc.constantFrom('process' as const, 'power' as const),
    decay: decays,
    restore,
  })
  return fc.array(life, { minLength: 1, maxLength: 6 })
}

async function runAll(lives: fc.Arbitrary<Life[]>, recover = false, numRuns = RUNS): Promise<Record<Verdict, number>> {
  const verdicts: Record<Verdict, number> = { intact: 0, refused: 0, recovered: 0, undetectable: 0 }
  await fc.assert(
    fc.asyncProperty(fc.nat(), lives, async (seed, lives) => {
      verdicts[await new DiskWorld(seed, recover).live(lives)]++
    }),
    { numRuns },
  )
  return verdicts
}

test.each([
  ['alone', false, RUNS],
  // It may only differ where there is damage.
  ['of several', true, Math.ceil(RUNS / 4)],
])(
  '%s, through crashes, failures and slowness: everything acknowledged is there, and nothing is ever refused',
  async (_, recover, runs) => {
    const lives = livesOf(
      fc.oneof(
        { weight: 12, arbitrary: step },
        { weight: 1, arbitrary: failing.filter(({ type }) => type === 'fail' || type === 'full') },
      ),
      fc.constant([]),
      fc.constant(false),
    )
    expect(await runAll(lives, recover, runs)).toEqual({ intact: runs, refused: 0, recovered: 0, undetectable: 0 })
  },
)

const decaying = livesOf(
  fc.oneof({ weight: 12, arbitrary: step }, { weight: 1, arbitrary: failing }),
  fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(decay, { maxLength: 2 }) }),
  fc.nat(20).map((draw) => draw === 0),
)

test('decay, lies and old copies too: alone, what is not there is refused, again and again', async () => {
  const verdicts = await runAll(decaying)
  const { intact, refused, undetectable } = verdicts
  for (const count of [intact, refused, undetectable]) {
    expect(count, JSON.stringify(verdicts)).toBeGreaterThan(RUNS / 100)
  }
})

test('decay, lies and old copies too: of several, it says what it lacks, and goes on', async () => {
  const verdicts = await runAll(decaying, true)
  const { intact, refused, recovered, undetectable } = verdicts
  expect(refused).toBe(0)
  for (const count of [intact, recovered, undetectable]) {
    expect(count, JSON.stringify(verdicts)).toBeGreaterThan(RUNS / 100)
  }
})

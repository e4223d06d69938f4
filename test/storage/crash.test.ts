/** A crash at every single point, of both kinds, with every fate of what is under way: nothing acknowledged is lost. */
import { describe, expect, test } from 'vitest'
import { CrashWorld, type Step } from './crash-script.js'

const STEPS: readonly Step[] = [
  { type: 'append', back: 0, count: 3, newTerm: true },
  { type: 'append', back: 0, count: 2, newTerm: false },
  { type: 'commit', keys: ['a', 'b', 'c'] },
  { type: 'append', back: 2, count: 1, newTerm: true },
  { type: 'append', back: 0, count: 0, newTerm: true },
  { type: 'trim', back: 2 },
  { type: 'commit', keys: ['b', 'd', 'a'] },
  { type: 'reopen' },
  { type: 'append', back: 2, count: 4, newTerm: true },
  { type: 'trim', back: 0 },
  { type: 'commit', keys: ['e'] },
]
const SEEDS = 8

describe.each(['process', 'power'] as const)('loss of %s', (kind) => {
  test('at every point', async () => {
    let crashes = 0
    for (let seed = 0; seed < SEEDS; seed++) {
      for (let events = 0; ; events++) {
        const world = new CrashWorld(seed)
        if (!(await world.run(STEPS, events, kind))) break
        crashes++
        await world.check()
        // It works on what it found, and that stands too.
        await world.run(STEPS, Infinity, kind)
        await world.check()
      }
    }
    expect(crashes).toBeGreaterThan(SEEDS * 30)
  })
})

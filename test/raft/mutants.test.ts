/** The check of the check: every planted bug is found, and stands in the table of docs/TESTING.md. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { AssertionError } from '../../src/base/assert.js'
import { SafetyViolation } from './checker.js'
import { MUTANTS } from './mutants.js'
import { runSeed } from './swarm.js'

describe('the simulated clusters find that', () => {
  it.each(MUTANTS)('$name', ({ seeds, ...options }) => {
    for (let seed = 1; seed <= seeds; seed++) {
      const { failure } = runSeed(seed, options)
      // A bug may also cost progress, which is not what is looked for here.
      if (failure === undefined || String(failure).includes('liveness')) continue
      // A broken invariant, seen from above or by the core itself; anything else is a mistake of the test.
      expect(failure instanceof SafetyViolation || failure instanceof AssertionError, String(failure)).toBe(true)
      return
    }
    expect.unreachable(`not found with ${seeds} seeds`)
  })
})

describe('the table of planted bugs', () => {
  it('has a row for each, and no other', () => {
    const page = readFileSync(new URL('../../docs/TESTING.md', import.meta.url), 'utf8')
    const section = /^## Mutants\n([\s\S]*?)(?=^## |$(?![\s\S]))/m.exec(page)?.[1] ?? ''
    const rows = section.split('\n').filter((line) => /^\| (?!planted bug|---)/.test(line))
    expect(rows.map((row) => row.split(' | ').slice(0, 2).join(' | '))).toEqual(
      MUTANTS.map(({ name, breaks }) => `| ${name} | ${breaks}`),
    )
  })
})

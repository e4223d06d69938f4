/** The check of the check: every planted bug is found, and stands in the table of docs/TESTING.md as it was found. */
import { describe, expect, it } from 'vitest'
import { AssertionError } from '../../src/base/assert.js'
import { SafetyViolation } from './checker.js'
import { describeFinding, MUTANTS, tableRows } from './mutants.js'
import { runSeed } from './swarm.js'

const found = new Map<string, string>()

describe('the simulated clusters find that', () => {
  it.each(MUTANTS)('$name', ({ name, seeds, ...options }) => {
    for (let seed = 1; seed <= seeds; seed++) {
      const { failure } = runSeed(seed, options)
      // A bug may also cost progress, which is not what is looked for here.
      if (failure === undefined || String(failure).includes('liveness')) continue
      // A broken invariant, seen from above or by the core itself; anything else is a mistake of the test.
      expect(failure instanceof SafetyViolation || failure instanceof AssertionError, String(failure)).toBe(true)
      found.set(name, `${seed} | ${describeFinding(failure)}`)
      return
    }
    expect.unreachable(`not found with ${seeds} seeds`)
  })
})

describe('the table of planted bugs', () => {
  const rows = tableRows('planted bug')

  it('has a row for each, and no other', () => {
    expect(rows.map(([name, breaks]) => [name, breaks])).toEqual(MUTANTS.map(({ name, breaks }) => [name, breaks]))
  })

  it('says with which seed each was found; otherwise: npx tsx scripts/raft-mutants.ts', () => {
    for (const [name = '', , ...finding] of rows) {
      if (found.has(name)) expect(finding.join(' | '), name).toBe(found.get(name))
    }
  })
})

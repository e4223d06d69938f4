/** The example of the core alone runs as it is, and imports nothing but the core. */
import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { runProgram } from '../process/run.js'

const TIMEOUT_MS = 60_000

it(
  'a counter of somebody else is replicated by the core alone, and outlives its leader',
  async () => {
    const { code, output } = await runProgram('examples/raft-only.ts', { timeoutMs: TIMEOUT_MS - 5000 })
    expect(code, output).toBe(0)
    expect(output).toContain('counts: 1: 13, 2: 13, 3: 13')
    expect(output).toMatch(/the leader is gone; counts: \d: 113, \d: 113$/m)
    expect(output).toMatch(/it is back from its disk; counts: \d: 113, \d: 113, \d: 113$/m)
  },
  TIMEOUT_MS,
)

it('the example is short, and needs no part of the package but quorate/raft', () => {
  const source = readFileSync(new URL('../../examples/raft-only.ts', import.meta.url), 'utf8')
  expect([...source.matchAll(/from '([^']+)'/g)].map(([, from]) => from)).toEqual(['quorate/raft'])
  expect(source.trimEnd().split('\n').length).toBeLessThan(80)
})

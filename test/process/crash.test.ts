/** The short form of `npm run test:crash`: a few kills; the same checks at the end. */
import { expect, it } from 'vitest'
import { runProgram } from './run.js'

const SEED = 20_260_101
const TIMEOUT_MS = 240_000

it(
  'loses nothing acknowledged and doubles nothing while members are killed under load',
  async () => {
    const args = ['--cycles', '12', '--seed', String(SEED), '--members', '3']
    const { code, output } = await runProgram('scripts/crash.ts', { args, timeoutMs: TIMEOUT_MS })
    expect(code, output).toBe(0)
    expect(output).toContain('passed: nothing acknowledged was lost or doubled')
  },
  TIMEOUT_MS + 10_000,
)

/** The short form of `npm run test:rot`: some dozens of damages; the same checks. */
import { expect, it } from 'vitest'
import { runProgram } from './run.js'

const TIMEOUT_MS = 120_000

it(
  'serves nothing wrong and loses nothing acknowledged when files of a stopped member are damaged',
  async () => {
    const args = ['--trials', '20', '--alone', '16', '--seed', '20260101', '--processes', '2']
    const { code, output } = await runProgram('scripts/rot.ts', { args, timeoutMs: TIMEOUT_MS })
    expect(code, output).toBe(0)
    expect(output).toContain('passed: nothing wrong was told')
  },
  TIMEOUT_MS + 10_000,
)

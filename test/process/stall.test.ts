/** A real process whose application holds up its event loop while it leads. */
import { expect, it } from 'vitest'
import { runProgram } from './run.js'

const TIMEOUT_MS = 120_000

it(
  'others are elected meanwhile, and nothing stale is served when it wakes',
  async () => {
    const { code, output } = await runProgram('scripts/stall.ts', { timeoutMs: TIMEOUT_MS })
    expect(code, output).toBe(0)
    expect(output).toContain('passed: nothing stale was served')
  },
  TIMEOUT_MS + 10_000,
)

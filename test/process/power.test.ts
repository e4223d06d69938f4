/** The short form of `npm run test:power`: a few losses of power, and those of a member that does not sync, which must be noticed. */
import { expect, it } from 'vitest'
import { runProgram } from './run.js'

const TIMEOUT_MS = 60_000

function lose(...args: readonly string[]): ReturnType<typeof runProgram> {
  return runProgram('scripts/power.ts', { args: ['--seed', '7', ...args], timeoutMs: TIMEOUT_MS })
}

it('has everything that was acknowledged after a loss of power, wherever there is strace', async () => {
  const { code, output } = await lose('--losses', '40')
  expect(code, output).toBe(0)
  expect(output).toMatch(/passed: what was acknowledged was there|skipped: there is no strace/)
}, 70_000)

it('notices a member that acknowledges before it syncs', async () => {
  const { code, output } = await lose('--losses', '24', '--plant', 'log-not-synced')
  if (output.includes('skipped: there is no strace')) return
  expect(code, output).toBe(1)
  expect(output).toContain('something was lost, invented or refused')
}, 70_000)

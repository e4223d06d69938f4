/** The demo runs to a good end, and leaves nothing behind. */
import { existsSync } from 'node:fs'
import { expect, it } from 'vitest'
import { runProgram } from '../process/run.js'

const TIMEOUT_MS = 180_000

it(
  'kills two of three services and finds nothing acknowledged lost',
  async () => {
    const { code, output } = await runProgram('demo/main.ts', { args: ['--brisk'], timeoutMs: TIMEOUT_MS })
    expect(code, output).toBe(0)
    expect(output).toMatch(/SIGKILL for \w, the leader/)
    expect(output).toMatch(/Writes are acknowledged again, [\d.]+ s after the kill/)
    expect(output.match(/has caught up with revision/g)).toHaveLength(2)
    expect(output).not.toContain('✘')
    expect(output).toContain('Nothing that was acknowledged was lost or doubled.')
    const [, folder = ''] = /with their data in (\S+)\.$/m.exec(output) ?? []
    expect(folder).not.toBe('')
    expect(existsSync(folder)).toBe(false)
  },
  TIMEOUT_MS + 10_000,
)

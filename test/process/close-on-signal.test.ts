/** Real signals to real processes. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const PROGRAM = fileURLToPath(new URL('closing-service.ts', import.meta.url))

/** Sends signals when the program has said the words before them; how it ended, and all that it said. */
async function run(how: string, ...signals: readonly (readonly [after: string, signal: NodeJS.Signals])[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', PROGRAM, how], { stdio: ['ignore', 'pipe', 'inherit'] })
  const left = [...signals]
  let output = ''
  child.stdout.on('data', (bytes: Buffer) => {
    output += bytes.toString()
    while (left[0] !== undefined && output.includes(left[0][0])) child.kill((left.shift() ?? left[0])[1])
  })
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null]
  return { code, signal, output }
}

test.each(['SIGTERM', 'SIGINT'] as const)(
  '%s closes the store, and the process ends as by that signal',
  async (sent) => {
    const { code, signal, output } = await run('alone', ['ready', sent])
    expect([code, signal], output).toEqual([null, sent])
    expect(output).toContain('refused with CLOSED')
  },
)

test('a second signal does not wait for the store', async () => {
  const { signal, output } = await run('waits', ['ready', 'SIGTERM'], ['is closed before the process ends', 'SIGTERM'])
  expect(signal, output).toBe('SIGTERM')
  expect(output).toContain('a second signal')
  expect(output).not.toContain('refused')
})

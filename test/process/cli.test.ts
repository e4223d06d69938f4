/** The program `quorate` as it is built: a process of its own, with pipes. `npm test` builds it first. */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }

const program = fileURLToPath(new URL(`../../${packageJson.bin.quorate}`, import.meta.url))
const built = existsSync(program)

test.skipIf(!built)('the built program runs by itself and tells its version', () => {
  expect(execFileSync(program, ['--version'], { encoding: 'utf8' })).toBe(`quorate ${packageJson.version}\n`)
})

test.skipIf(!built)('a reader that goes away is no failure', async () => {
  const child = spawn(program, ['--help'], { stdio: ['ignore', 'pipe', 'pipe'] })
  child.stdout.destroy()
  let err = ''
  child.stderr.on('data', (text) => (err += String(text)))
  const code = await new Promise((resolve) => child.on('close', resolve))
  expect({ code, err }).toEqual({ code: 0, err: '' })
})

/**
 * Starts the three members in one terminal, kills the one that works with SIGKILL, and ends when another one has taken over.
 *
 *     npx tsx examples/03-three-processes/start.ts
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const folder = mkdtempSync(join(tmpdir(), 'quorate-example-'))
const script = fileURLToPath(new URL('member.ts', import.meta.url))
const members = new Map<string, ChildProcess>()
let killed: string | undefined

for (const name of ['a', 'b', 'c']) {
  const child = spawn(process.execPath, [...process.execArgv, script, name, join(folder, name)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  members.set(name, child)
  child.on('exit', (code) => {
    if (name !== killed) end(code ?? 1)
  })
  createInterface({ input: child.stdout }).on('line', (line) => {
    console.log(line)
    const works = line.includes('did piece')
    if (works && killed === undefined && line.endsWith(' 5 of the work')) kill(name)
    else if (works && killed !== undefined && killed !== name) end(0)
  })
}
process.once('SIGINT', () => {
  end(1)
})

function kill(name: string): void {
  killed = name
  console.log(`kill -9 ${name}`)
  members.get(name)?.kill('SIGKILL')
}

function end(code: number): never {
  for (const child of members.values()) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 })
  console.log(code === 0 ? 'the work went on' : 'ended')
  process.exit(code)
}

/** Runs a TypeScript program of this repository in a process of its own, as a user would with tsx. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export interface Ran {
  readonly code: number
  /** Both streams, as they came. */
  readonly output: string
}

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const OUTPUT_BYTES_MAX = 16 * 1024 * 1024

/** After `timeoutMs` it is killed: `code` is then not 0. */
export function runProgram(
  script: string,
  options: { readonly args?: readonly string[]; readonly env?: NodeJS.ProcessEnv; readonly timeoutMs: number },
): Promise<Ran> {
  const { args = [], env, timeoutMs } = options
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      ['--import', 'tsx', script, ...args],
      { cwd: ROOT, env: { ...process.env, ...env }, timeout: timeoutMs, maxBuffer: OUTPUT_BYTES_MAX },
      () => {
        const ending = child.exitCode === null ? `\nended by ${child.signalCode}, after at most ${timeoutMs} ms` : ''
        resolve({ code: child.exitCode ?? 1, output: output.join('') + ending })
      },
    )
    const output: string[] = []
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (text) => output.push(String(text)))
  })
}

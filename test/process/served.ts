/** `quorate serve` as it is built, in processes of their own. */
import { spawn, type ChildProcessByStdio } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import packageJson from '../../package.json' with { type: 'json' }

export const PROGRAM = fileURLToPath(new URL(`../../${packageJson.bin.quorate}`, import.meta.url))
/** `npm test` builds it first. */
export const BUILT = existsSync(PROGRAM)

export interface LogLine {
  readonly level: string
  readonly ts: string
  readonly caller: string
  readonly msg: string
  readonly [field: string]: unknown
}

/** How a process ended, as a shell would say it: of a signal 128 and its number. */
export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export class ServedProcess {
  readonly #child: ChildProcessByStdio<null, null, Readable>
  readonly #seen: string[] = []
  readonly #waiting = new Set<(line: string) => void>()
  readonly ended: Promise<Ended>

  constructor(flags: readonly string[], options: { readonly cwd: string; readonly env?: NodeJS.ProcessEnv }) {
    const env = { ...process.env, ...options.env }
    this.#child = spawn(process.execPath, [PROGRAM, 'serve', ...flags], {
      ...{ cwd: options.cwd, env },
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    const lines = createInterface(this.#child.stderr)
    lines.on('line', (line) => {
      this.#seen.push(line)
      for (const waiting of this.#waiting) waiting(line)
    })
    this.ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => {
        resolve({ code, signal })
      })
    })
  }

  /** Everything that it wrote. */
  get output(): string {
    return this.#seen.join('\n')
  }

  get lines(): readonly LogLine[] {
    return this.#seen.map((line) => JSON.parse(line) as LogLine)
  }

  /** Resolves when a line with this text was written. Rejects where it ends without. */
  async wrote(text: string): Promise<void> {
    if (this.#seen.some((line) => line.includes(text))) return
    const written = new Promise<'written'>((resolve) => {
      const look = (line: string): void => {
        if (!line.includes(text)) return
        this.#waiting.delete(look)
        resolve('written')
      }
      this.#waiting.add(look)
    })
    const first = await Promise.race([written, this.ended])
    if (first !== 'written') {
      throw new Error(`it ended (${JSON.stringify(first)}) and never wrote ${JSON.stringify(text)}:\n${this.output}`)
    }
  }

  ready(): Promise<void> {
    return this.wrote('ready to serve client requests')
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<Ended> {
    this.#child.kill(signal)
    return this.ended
  }
}

/** etcdctl while it runs. */
import type { ChildProcessWithoutNullStreams } from 'node:child_process'

/** What a command did in the end. */
export interface Ran {
  /** The signal where it ended by one. */
  readonly code: number | string
  readonly out: string
  readonly err: string
}

const ENDS_MS_MAX = 120_000
const SAYS_MS_MAX = 30_000

export class Running {
  readonly #child: ChildProcessWithoutNullStreams
  readonly #ended: Promise<number | string>
  #out = ''
  #err = ''
  #heard: () => void = () => undefined

  constructor(child: ChildProcessWithoutNullStreams, input: string | undefined) {
    this.#child = child
    this.#ended = new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => {
        resolve(code ?? signal ?? 'nothing')
        this.#heard()
      })
    })
    this.#ended.catch(() => undefined)
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#out += text
      this.#heard()
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.#err += text
      this.#heard()
    })
    // It may end without reading.
    child.stdin.on('error', () => undefined)
    if (input === undefined) child.stdin.end()
    else this.write(input)
  }

  get out(): string {
    return this.#out
  }

  /** To its standard input, which then stays open until it ends. */
  write(text: string): void {
    this.#child.stdin.write(text)
  }

  /** Resolves once it has said so on standard output. */
  async says(pattern: RegExp): Promise<void> {
    const deadlineMs = performance.now() + SAYS_MS_MAX
    while (!pattern.test(this.#out)) {
      const leftMs = deadlineMs - performance.now()
      if (leftMs <= 0 || this.#child.exitCode !== null) {
        throw new Error(`etcdctl did not say ${String(pattern)}, but:\n${this.#out}\n${this.#err}`)
      }
      await new Promise<void>((resolve) => {
        const late = setTimeout(resolve, leftMs)
        this.#heard = () => {
          clearTimeout(late)
          resolve()
        }
      })
    }
  }

  /** Closes its standard input and waits for its end. */
  async end(): Promise<Ran> {
    this.#child.stdin.end()
    const late = setTimeout(() => this.#child.kill('SIGKILL'), ENDS_MS_MAX)
    try {
      return { code: await this.#ended, out: this.#out, err: this.#err }
    } finally {
      clearTimeout(late)
    }
  }

  async interrupt(signal: NodeJS.Signals): Promise<Ran> {
    this.#child.kill(signal)
    return this.end()
  }
}

/** One member as an operator starts it: a process with etcd's flags, of etcd itself or of `quorate serve`. */
import { spawn, type ChildProcess } from 'node:child_process'

/** What they say when clients may come: etcd 3.4, and later ones as well as ours. */
const READY = /serving (?:insecure )?client (?:traffic|requests)|ready to serve client requests/
const START_MS_MAX = 60_000
/** Of what it said last, for a report. */
const SAID_CHARACTERS_MAX = 8_000

export class MemberProcess {
  readonly #child: ChildProcess
  readonly ready: Promise<void>
  #said = ''

  /** `command`: the program and what comes before the flags. */
  constructor(command: readonly string[], flags: Readonly<Record<string, string>>) {
    const [program = '', ...first] = command
    const given = Object.entries(flags).map(([name, value]) => `--${name}=${value}`)
    // Variables of this name would change its settings.
    const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ETCD')))
    this.#child = spawn(program, [...first, ...given], { stdio: ['ignore', 'ignore', 'pipe'], env })
    process.once('exit', this.#kill)
    this.ready = this.#becomesReady()
    // Whoever starts three at once awaits them together.
    this.ready.catch(() => undefined)
  }

  get pid(): number {
    return this.#child.pid ?? 0
  }

  /** The end of what it logged. */
  get said(): string {
    return this.#said
  }

  async stop(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    process.off('exit', this.#kill)
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = new Promise((resolve) => this.#child.once('exit', resolve))
    this.#child.kill(signal)
    await ended
  }

  readonly #kill = (): void => {
    this.#child.kill('SIGKILL')
  }

  #becomesReady(): Promise<void> {
    return new Promise((resolve, reject) => {
      const fail = (what: string): void => {
        clearTimeout(late)
        reject(new Error(`${this.#child.spawnfile} ${what}; it said:\n${this.#said}`))
      }
      const late = setTimeout(fail, START_MS_MAX, `was not ready within ${START_MS_MAX} ms`)
      this.#child.once('error', ({ message }) => {
        fail(message)
      })
      // Not its exit: what it said last comes after that.
      this.#child.once('close', (code, signal) => {
        fail(`ended with ${code ?? signal}`)
      })
      // Also after it is ready: a pipe that nobody reads fills up, and its writer waits.
      this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
        this.#said = (this.#said + text).slice(-SAID_CHARACTERS_MAX)
        if (!READY.test(this.#said)) return
        clearTimeout(late)
        resolve()
      })
    })
  }
}

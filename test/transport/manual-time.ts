/** Virtual time for tests of a transport: it passes when the test says so, or by itself as soon as nothing else is due. */
import { seededRandom } from '../../src/base/seeded-random.js'
import type { Clock, Environment, Timers } from '../../src/base/clock.js'
import { SILENT, type Logger } from '../../src/base/logger.js'
import { systemEnvironment } from '../../src/runtime/system.js'

interface Entry {
  readonly atMs: number
  readonly order: number
  readonly action: () => void
}

export class ManualTime {
  #nowMs = 0
  #order = 0
  #entries: Entry[] = []
  #running = false

  readonly clock: Clock = { monotonicMs: () => this.#nowMs, wallMs: () => this.#nowMs }

  readonly timers: Timers = {
    after: (delayMs, action) => this.#add(delayMs, action),
    soon: (action) => this.#add(0, action),
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#entries.length
  }

  environment(logger: Logger = SILENT): Environment {
    return { clock: this.clock, timers: this.timers, random: seededRandom(1), logger }
  }

  /** For real sockets: what is asked for soon happens soon, and only waiting is left to the test. */
  besideSockets(logger: Logger = SILENT): Environment {
    const { soon } = systemEnvironment().timers
    return { ...this.environment(logger), timers: { ...this.timers, soon } }
  }

  /** Lets `ms` pass: everything due in it happens, in order. */
  pass(ms: number): void {
    const endMs = this.#nowMs + ms
    for (let next = this.#first(); next !== undefined && next.atMs <= endMs; next = this.#first()) this.#fire(next)
    this.#nowMs = endMs
  }

  /** How long until the next timer goes off; undefined when none is set. */
  get nextInMs(): number | undefined {
    const next = this.#first()
    return next === undefined ? undefined : next.atMs - this.#nowMs
  }

  /** From now on time passes by itself, to the next timer with each turn of the event loop. */
  run(): void {
    this.#running = true
    const turn = (): void => {
      if (!this.#running) return
      const next = this.#first()
      if (next !== undefined) this.#fire(next)
      setImmediate(turn)
    }
    turn()
  }

  stop(): void {
    this.#running = false
  }

  #add(delayMs: number, action: () => void): () => void {
    const entry = { atMs: this.#nowMs + delayMs, order: this.#order++, action }
    let at = this.#entries.length
    while (at > 0 && (this.#entries[at - 1] as Entry).atMs < entry.atMs) at--
    // Last first, so that taking the next one is cheap; of equal times the earlier set fires first.
    while (at > 0 && (this.#entries[at - 1] as Entry).atMs === entry.atMs) at--
    this.#entries.splice(at, 0, entry)
    return () => {
      const index = this.#entries.indexOf(entry)
      if (index >= 0) this.#entries.splice(index, 1)
    }
  }

  #first(): Entry | undefined {
    return this.#entries.at(-1)
  }

  #fire(entry: Entry): void {
    this.#entries.pop()
    this.#nowMs = Math.max(this.#nowMs, entry.atMs)
    entry.action()
  }
}

/**
 * When one watch is to tell how far it has come: when its consumer asks, and now and then while nothing is delivered.
 *
 * Always: at most one such notice waits, however slow the consumer is. Not here: how far the watch has come.
 */
import type { Cancel, Timers } from '../base/clock.js'
import type { Random } from '../base/random.js'

export class Progress {
  readonly #timers: Timers
  readonly #random: Random
  /** Undefined: only when asked. */
  readonly #everyMs: number | undefined
  /** Tells the consumer, who may be waiting. */
  readonly #wake: () => void
  #requested = false
  #due = false
  #delivered = false
  #stop: Cancel | undefined

  constructor(timers: Timers, random: Random, everyMs: number | undefined, wake: () => void) {
    this.#timers = timers
    this.#random = random
    this.#everyMs = everyMs
    this.#wake = wake
    this.#arm()
  }

  get due(): boolean {
    return this.#due || this.#requested
  }

  request(): void {
    this.#requested = true
    this.#wake()
  }

  /** Events went out: they say as much as a notice. */
  delivered(): void {
    this.#due = false
    this.#delivered = true
  }

  /** A notice went out. Whether it was asked for. */
  told(): boolean {
    const requested = this.#requested
    this.#requested = false
    this.#due = false
    return requested
  }

  stop(): void {
    this.#stop?.()
  }

  /** A little later each time by chance: or all watches that were opened together would speak together, for ever. */
  #arm(): void {
    if (this.#everyMs === undefined) return
    const jitter = (JITTER * this.#random.uint32()) / 2 ** 32
    this.#stop = this.#timers.after(this.#everyMs * (1 + jitter), this.#onTimer)
  }

  readonly #onTimer = (): void => {
    this.#arm()
    if (!this.#delivered) {
      this.#due = true
      this.#wake()
    }
    this.#delivered = false
  }
}

/** At most so much later (etcd's). */
const JITTER = 0.1

/**
 * When the next turn of the loop comes: soon, because something happened, or at a time, because something is due.
 *
 * Always: however often `wake` is called between two turns, one turn follows: that is what makes a burst one write and
 * one set of messages.
 */
import { NEVER, type Buggify } from '../base/buggify.js'
import type { Cancel, Clock, Timers } from '../base/clock.js'

export class Pacer {
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #turn: () => void
  readonly #buggify: Buggify
  #soon: Cancel | undefined
  #timer: Cancel | undefined
  #timerAtMs = Infinity
  #stopped = false

  constructor(clock: Clock, timers: Timers, turn: () => void, buggify = NEVER) {
    this.#buggify = buggify
    this.#clock = clock
    this.#timers = timers
    this.#turn = turn
  }

  wake(): void {
    if (this.#soon !== undefined || this.#stopped) return
    this.#soon = this.#buggify('turn-late') ? this.#timers.after(1, this.#onSoon) : this.#timers.soon(this.#onSoon)
  }

  /**
   * A turn no later than `atMs`. A timer that is armed for an earlier time stays: most deadlines move away with every
   * heartbeat, and an early turn finds nothing to do and arms again.
   */
  wakeAt(atMs: number): void {
    if (atMs >= this.#timerAtMs || this.#stopped) return
    this.#timer?.()
    this.#timerAtMs = atMs
    this.#timer = this.#timers.after(Math.max(0, atMs - this.#clock.monotonicMs()), this.#onTimer)
  }

  stop(): void {
    this.#stopped = true
    this.#timer?.()
    this.#soon?.()
  }

  readonly #onSoon = (): void => {
    this.#soon = undefined
    this.#turn()
  }

  readonly #onTimer = (): void => {
    this.#timer = undefined
    this.#timerAtMs = Infinity
    this.#turn()
  }
}

/**
 * Cuts the work for a large answer into slices, between which timers, frames and other calls get their turn: a leader that
 * is busy with one answer for seconds is deposed.
 *
 *     if (slices.spend(bytes)) await slices.turn()
 */
import { NEVER, type Buggify } from '../base/buggify.js'
import type { Timers } from '../base/clock.js'
import { LIMITS } from '../base/limits.js'

export class Slices {
  readonly #timers: Timers
  readonly #buggify: Buggify
  #bytes = 0
  #records = 0

  constructor({ timers, buggify = NEVER }: { readonly timers: Timers; readonly buggify?: Buggify | undefined }) {
    this.#timers = timers
    this.#buggify = buggify
  }

  /** Tells of a record of so many bytes; whether the slice is used up. */
  spend(bytes: number): boolean {
    this.#bytes += bytes
    this.#records++
    const full = this.#bytes >= LIMITS.readChunkBytes || this.#records >= LIMITS.readChunkRecordsMax
    return full || this.#buggify('slice-of-one')
  }

  /** Begins the next slice once everybody else had their turn. */
  turn(): Promise<void> {
    this.#bytes = 0
    this.#records = 0
    return new Promise((resolve) => {
      this.#timers.soon(resolve)
    })
  }
}

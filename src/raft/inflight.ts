/**
 * The append messages that are on the way to one follower: a window bounded by their number and by their bytes, so that
 * a follower that answers slowly or not at all holds a bounded amount, and one that answers is kept busy (thesis 10.2.1).
 *
 * Always: the last indexes in the ring grow from the oldest to the newest, since appends are sent in order.
 * The last message may go over the bytes: one entry must always fit.
 */
import { assert } from '../base/assert.js'
import type { Index } from './types.js'

export class Inflight {
  readonly #countMax: number
  readonly #bytesMax: number
  readonly #lastIndexes: Float64Array
  readonly #sizes: Float64Array
  #oldest = 0
  #count = 0
  #bytes = 0

  constructor(countMax: number, bytesMax: number) {
    this.#countMax = countMax
    this.#bytesMax = bytesMax
    this.#lastIndexes = new Float64Array(countMax)
    this.#sizes = new Float64Array(countMax)
  }

  get count(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#bytes
  }

  get full(): boolean {
    return this.#count === this.#countMax || this.#bytes >= this.#bytesMax
  }

  add(lastIndex: Index, bytes: number): void {
    assert(!this.full, 'inflight: an append was sent although the window is full')
    const slot = (this.#oldest + this.#count) % this.#countMax
    this.#lastIndexes[slot] = lastIndex
    this.#sizes[slot] = bytes
    this.#count++
    this.#bytes += bytes
  }

  /** The follower has everything up to `index`: the appends that end there or before have arrived. */
  freeThrough(index: Index): void {
    while (this.#count > 0 && (this.#lastIndexes[this.#oldest] ?? Infinity) <= index) {
      this.#bytes -= this.#sizes[this.#oldest] ?? 0
      this.#oldest = (this.#oldest + 1) % this.#countMax
      this.#count--
    }
  }

  clear(): void {
    this.#oldest = 0
    this.#count = 0
    this.#bytes = 0
  }
}

/**
 * So many in a second, a batch at a time: the second is cut into slots, and each slot has room for one batch.
 *
 * What came too late for its slot is not made up for: after a stall the pace is the same as ever.
 *
 * Time is an argument. It never goes back.
 */
import { assert } from '../base/assert.js'

export class Pace {
  readonly #batchMax: number
  readonly #slotMs: number
  /** The slot began when something was first taken from it. */
  #slotEndsMs = -Infinity
  #left: number

  constructor(perSecondMax: number, batchMax: number) {
    this.#batchMax = batchMax
    this.#slotMs = (1000 * batchMax) / perSecondMax
    this.#left = batchMax
  }

  /** How many may go now. */
  room(nowMs: number): number {
    return nowMs >= this.#slotEndsMs ? this.#batchMax : this.#left
  }

  /** They went. */
  took(count: number, nowMs: number): void {
    const room = this.room(nowMs)
    assert(count <= room, () => `${count} go where there is room for ${room}`)
    if (count === 0) return
    if (nowMs >= this.#slotEndsMs) this.#slotEndsMs = nowMs + this.#slotMs
    this.#left = room - count
  }

  /** Nothing more goes in this slot: whoever takes it refuses just now. */
  pause(nowMs: number): void {
    this.#slotEndsMs = nowMs + this.#slotMs
    this.#left = 0
  }

  /** When there is room at the earliest: now (-Infinity) or where the next slot begins. */
  get roomAtMs(): number {
    return this.#left > 0 ? -Infinity : this.#slotEndsMs
  }
}

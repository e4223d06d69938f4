/**
 * The values of the keys that were written or read last, within a budget of bytes.
 *
 * Each hangs on its key (`KeyIndex.cached`), so that whoever has found the key has its value too: to find it by the name of
 * its record would cost more than all the rest of a read (measured: 0.5 µs among a million).
 *
 * First in, first out: what is read once more is not moved, and comes in again after it went out. Values that were
 * replaced count until it is their turn, so that no more is kept than the budget says, whatever is written how often.
 *
 * Always: what hangs on a key is its latest version. The key itself drops it with each change.
 * Nothing that is applied may depend on what is kept: that differs from member to member.
 */
import { Queue } from '../base/queue.js'
import type { KeyIndex } from './key-index.js'
import type { KeyValue } from './types.js'

interface Kept {
  readonly found: KeyIndex
  readonly keyValue: KeyValue
  readonly bytes: number
}

export class ValueCache {
  readonly #bytesMax: number
  readonly #kept = new Queue<Kept>()
  #bytes = 0

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Keeps the latest version of a key; what has been kept for longest makes room. */
  keep(found: KeyIndex, keyValue: KeyValue): void {
    const bytes = bytesOf(keyValue)
    if (bytes > this.#bytesMax / LEAST_VALUES) return
    this.#bytes += bytes
    while (this.#bytes > this.#bytesMax) this.#dropOldest()
    found.cached = keyValue
    this.#kept.push({ found, keyValue, bytes })
  }

  #dropOldest(): void {
    const oldest = this.#kept.shift() as Kept
    this.#bytes -= oldest.bytes
    if (oldest.found.cached === oldest.keyValue) oldest.found.cached = undefined
  }
}

/** A value that would take more than this part of the room for itself is not kept. */
const LEAST_VALUES = 8
/** Objects, and what stands in the record around the value. */
const OVERHEAD_BYTES = 320

function bytesOf({ key, value }: KeyValue): number {
  return OVERHEAD_BYTES + key.length + value.byteLength
}

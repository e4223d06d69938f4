/**
 * Where the search has been: which calls had taken effect, and the state they led to. To come there a second time, in
 * another order, leads to nothing new.
 *
 * Always: an entry is found only where both are the same bit by bit; the hash only says where to look.
 */
import { mix } from '../../base/checksum.js'

/** A set of small numbers that knows where its first gap and its last member are, since between them lies all that varies. */
export class CallSet {
  readonly words: Uint32Array
  /** All words before this one are full. */
  low = 0
  /** All words from this one on are empty. */
  high = 0
  hash = 0

  constructor(size: number) {
    this.words = new Uint32Array((size >>> 5) + 2)
  }

  add(number: number): void {
    const { words } = this
    const at = number >>> 5
    words[at] = ((words[at] ?? 0) | (1 << (number & 31))) >>> 0
    this.hash ^= mix(number + 1)
    while (words[this.low] === FULL) this.low++
    if (at >= this.high) this.high = at + 1
  }

  remove(number: number): void {
    const { words } = this
    const at = number >>> 5
    words[at] = ((words[at] ?? 0) & ~(1 << (number & 31))) >>> 0
    this.hash ^= mix(number + 1)
    if (at < this.low) this.low = at
    while (this.high > 0 && words[this.high - 1] === 0) this.high--
  }
}

const FULL = 0xffffffff

const FIELDS = 5
const HASH = 0
const STATE = 1
const OFFSET = 2
const LOW = 3
const READS = 4
const EMPTY = -1

export class Seen {
  /** Open addressing: numbers of entries. */
  #table = new Int32Array(1024).fill(EMPTY)
  /** Four numbers each; the next entry's offset ends the words of one. */
  #entries = new Int32Array(1024 * FIELDS)
  #words = new Uint32Array(1024)
  #count = 0
  #wordCount = 0

  get size(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#table.byteLength + this.#entries.byteLength + this.#words.byteLength
  }

  /** Adds it; false if it was there. `reads` counts calls that are not in the set and have taken effect in their order. */
  add(set: CallSet, state: number, reads = 0): boolean {
    const hash = mix(set.hash ^ Math.imul(state, 0x9e3779b1) ^ Math.imul(reads, 0x85ebca6b)) | 0
    const mask = this.#table.length - 1
    let slot = hash & mask
    for (;;) {
      const entry = this.#table[slot] ?? EMPTY
      if (entry === EMPTY) break
      if (this.#is(entry, hash, set, state, reads)) return false
      slot = (slot + 1) & mask
    }
    this.#table[slot] = this.#append(hash, set, state, reads)
    if (this.#count * 2 > this.#table.length) this.#rehash()
    return true
  }

  #is(entry: number, hash: number, { words, low, high }: CallSet, state: number, reads: number): boolean {
    const entries = this.#entries
    const at = entry * FIELDS
    if (entries[at + HASH] !== hash || entries[at + STATE] !== state || entries[at + LOW] !== low) return false
    if (entries[at + READS] !== reads) return false
    const offset = entries[at + OFFSET] ?? 0
    const end = entry + 1 === this.#count ? this.#wordCount : (entries[at + FIELDS + OFFSET] ?? 0)
    if (end - offset !== Math.max(0, high - low)) return false
    const stored = this.#words
    for (let place = low; place < high; place++) if (stored[offset + place - low] !== words[place]) return false
    return true
  }

  #append(hash: number, { words, low, high }: CallSet, state: number, reads: number): number {
    const entry = this.#count++
    const at = entry * FIELDS
    if (at + FIELDS > this.#entries.length) this.#entries = grown(this.#entries, new Int32Array(at * 2))
    this.#entries[at + HASH] = hash
    this.#entries[at + STATE] = state
    this.#entries[at + OFFSET] = this.#wordCount
    this.#entries[at + LOW] = low
    this.#entries[at + READS] = reads
    const needed = this.#wordCount + Math.max(0, high - low)
    if (needed > this.#words.length) this.#words = grown(this.#words, new Uint32Array(needed * 2))
    for (let place = low; place < high; place++) this.#words[this.#wordCount++] = words[place] ?? 0
    return entry
  }

  #rehash(): void {
    const table = new Int32Array(this.#table.length * 2).fill(EMPTY)
    const mask = table.length - 1
    for (let entry = 0; entry < this.#count; entry++) {
      let slot = (this.#entries[entry * FIELDS + HASH] ?? 0) & mask
      while (table[slot] !== EMPTY) slot = (slot + 1) & mask
      table[slot] = entry
    }
    this.#table = table
  }
}

function grown<Numbers extends Int32Array | Uint32Array>(from: Numbers, to: Numbers): Numbers {
  to.set(from)
  return to
}

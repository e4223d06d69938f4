/**
 * The log in memory: every entry since the last compaction, and how far each is on its way to the disk.
 *
 *     compacted      durableIndex     writingIndex        lastIndex
 *         |  durable      |  in the write   |  in no write yet  |
 *         |               |  under way      |                   |
 *
 * Always: compacted.index <= durableIndex <= writingIndex <= lastIndex; without a write under way the middle two are equal.
 * Always: terms never fall from one entry to the next.
 * Always: a truncation pulls both cursors back below it. So when a write completes whose entries were replaced meanwhile,
 * `completeWrite` counts only those that are still here: a new entry at an old index never inherits the durability of the
 * one it replaced (the ABA problem of asynchronous writes), and nothing has to be compared to know it.
 * Always: looking up a term, an entry or the bytes of a range costs the same at any length; compaction is paid for by the
 * appends before it.
 */
import { assert, present } from '../base/assert.js'
import type { Entry, Index, LogPosition, Term } from './types.js'

/** What an entry costs besides its data, in memory and on its way: index, term, kind, the object around them. */
const ENTRY_OVERHEAD_BYTES = 64

/** Fewer forgotten entries than this at the front of the array are not worth moving the others. */
const FORGOTTEN_ENTRIES_MIN = 1024

export function entryBytes(entry: Entry): number {
  return entry.data.byteLength + ENTRY_OVERHEAD_BYTES
}

export class Log {
  /** The entry with index i is at `#entries[i - #base]`; below `#forgotten` the slots are empty. */
  readonly #entries: (Entry | undefined)[]
  /** At the same place, the bytes of all entries up to and with that one, since this object was made. */
  readonly #bytesThrough: number[] = []
  #base: Index
  #forgotten = 0
  #compacted: LogPosition
  #lastIndex: Index
  #durableIndex: Index
  #writingIndex: Index
  #bytesCompacted = 0

  /** All that is given is durable: it was just read from the disk. */
  constructor(compacted: LogPosition, entries: readonly Entry[]) {
    this.#compacted = compacted
    this.#base = compacted.index + 1
    this.#entries = entries.slice()
    this.#lastIndex = compacted.index + entries.length
    this.#durableIndex = this.#lastIndex
    this.#writingIndex = this.#lastIndex
    let previous = compacted
    let bytes = 0
    for (const entry of entries) {
      assert(
        entry.index === previous.index + 1 && entry.term >= previous.term,
        `stored log: entry ${entry.index}@${entry.term} cannot follow ${previous.index}@${previous.term}`,
      )
      bytes += entryBytes(entry)
      this.#bytesThrough.push(bytes)
      previous = entry
    }
  }

  get compacted(): LogPosition {
    return this.#compacted
  }

  get firstIndex(): Index {
    return this.#compacted.index + 1
  }

  get lastIndex(): Index {
    return this.#lastIndex
  }

  get lastTerm(): Term {
    const last = this.#entries[this.#lastIndex - this.#base]
    return last === undefined ? this.#compacted.term : last.term
  }

  get durableIndex(): Index {
    return this.#durableIndex
  }

  /** Entries behind this one are in no write yet. */
  get writingIndex(): Index {
    return this.#writingIndex
  }

  /** Bytes of the entries in memory, {@link ENTRY_OVERHEAD_BYTES} each included. */
  get bytes(): number {
    return this.bytesBetween(this.firstIndex, this.#lastIndex)
  }

  /** Bytes of the entries from `from` through `through`, both in memory; 0 where there are none between. */
  bytesBetween(from: Index, through: Index): number {
    return from > through ? 0 : this.#bytesUpTo(through) - this.#bytesUpTo(from - 1)
  }

  /** The term at `index`; undefined where the log does not reach: before the compacted position, behind the end. */
  termAt(index: Index): Term | undefined {
    if (index === this.#compacted.index) return this.#compacted.term
    if (index < this.#compacted.index || index > this.#lastIndex) return undefined
    return this.entryAt(index).term
  }

  /** The entry at `index`, which must be in memory. */
  entryAt(index: Index): Entry {
    return present(this.#entries[index - this.#base], `log entry ${index}`)
  }

  /**
   * The last index, not after `index`, whose term is not above `term`. Another log whose entry at `index` has `term`
   * cannot agree with this one any later. Below the compacted position terms are not known: then that position's
   * predecessor stands for "somewhere before the log".
   */
  lastIndexNotAboveTerm(index: Index, term: Term): Index {
    if (index < this.#compacted.index) return index
    if (this.#compacted.term > term) return this.#compacted.index - 1
    // Terms never fall, so the answer is found by halving; `low` always satisfies the condition.
    let low = this.#compacted.index
    let high = Math.min(index, this.#lastIndex)
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (this.entryAt(middle).term <= term) low = middle
      else high = middle - 1
    }
    return low
  }

  /** Entries from `from` on, not behind `through`, of at most `bytesMax`; one always, so that a large entry gets through. */
  slice(from: Index, through: Index, bytesMax: number): Entry[] {
    return this.#copy(
      from,
      this.bytesBetween(from, through) <= bytesMax ? through : this.#lastWithin(from, through, bytesMax),
    )
  }

  append(entry: Entry): void {
    assert(
      entry.index === this.#lastIndex + 1 && entry.term >= this.lastTerm,
      () => `log: entry ${entry.index}@${entry.term} cannot follow ${this.#lastIndex}@${this.lastTerm}`,
    )
    this.#entries.push(entry)
    this.#bytesThrough.push(this.#bytesUpTo(this.#lastIndex) + entryBytes(entry))
    this.#lastIndex = entry.index
  }

  /** Removes the entries from `from` on. The caller answers for it that none of them is committed. */
  truncate(from: Index): void {
    assert(
      from > this.#compacted.index && from <= this.#lastIndex,
      () => `log: cannot truncate from ${from}, it holds ${this.firstIndex} to ${this.#lastIndex}`,
    )
    this.#entries.length = from - this.#base
    this.#bytesThrough.length = from - this.#base
    this.#lastIndex = from - 1
    this.#durableIndex = Math.min(this.#durableIndex, from - 1)
    this.#writingIndex = Math.min(this.#writingIndex, from - 1)
  }

  /** Forgets the entries up to `index`; the position itself stays known, as what a follower's log may continue. */
  compact(index: Index): void {
    if (index <= this.#compacted.index) return
    assert(index <= this.#durableIndex, () => `log: compacting to ${index}, but only ${this.#durableIndex} is durable`)
    const term = this.entryAt(index).term
    this.#bytesCompacted = this.#bytesUpTo(index)
    // Emptied at once: what is forgotten must not be kept alive until the array is moved.
    this.#entries.fill(undefined, this.#forgotten, index + 1 - this.#base)
    this.#compacted = { index, term }
    this.#forgotten = index + 1 - this.#base
    // Moved only when at least half of the array is empty: each entry that moves is paid for by one that was forgotten.
    if (this.#forgotten >= FORGOTTEN_ENTRIES_MIN && this.#forgotten * 2 >= this.#entries.length) {
      this.#entries.splice(0, this.#forgotten)
      this.#bytesThrough.splice(0, this.#forgotten)
      this.#base += this.#forgotten
      this.#forgotten = 0
    }
  }

  /**
   * Replaces everything by a position: a state that was received stands for all entries up to it. It counts as durable
   * here, being no entry; whether that state is, its receiver knows (snapshot-restore.ts). A write that is under way has
   * nothing left to make durable when it completes.
   */
  restore(position: LogPosition): void {
    this.#entries.length = 0
    this.#bytesThrough.length = 0
    this.#bytesCompacted = 0
    this.#forgotten = 0
    this.#base = position.index + 1
    this.#compacted = position
    this.#lastIndex = position.index
    this.#durableIndex = position.index
    this.#writingIndex = position.index
  }

  /** Up to where to forget so that about `retainBytes` are left, or up to `through`; undefined where it is not worth it. */
  trimPosition(retainBytes: number, through: Index): LogPosition | undefined {
    const excess = this.bytes - retainBytes
    if (excess * 4 < retainBytes || through < this.firstIndex) return undefined
    const index = this.#lastWithin(this.firstIndex, through, excess)
    if (this.bytesBetween(this.firstIndex, index) * 4 < retainBytes) return undefined
    return { index, term: this.entryAt(index).term }
  }

  /** Hands out the entries that are in no write yet, for the write that now begins. */
  beginWrite(): Entry[] {
    assert(this.#writingIndex === this.#durableIndex, 'log: a write is under way already')
    const entries = this.#copy(this.#writingIndex + 1, this.#lastIndex)
    this.#writingIndex = this.#lastIndex
    return entries
  }

  /** The write under way is durable. */
  completeWrite(): void {
    this.#durableIndex = this.#writingIndex
  }

  #bytesUpTo(index: Index): number {
    if (index === this.#compacted.index) return this.#bytesCompacted
    return present(this.#bytesThrough[index - this.#base], `bytes of log entry ${index}`)
  }

  /** The last entry up to which those from `from` on have at most `bytesMax`; `from` itself in any case. */
  #lastWithin(from: Index, through: Index, bytesMax: number): Index {
    let low = from
    let high = through
    while (low < high) {
      const middle = Math.ceil((low + high) / 2)
      if (this.bytesBetween(from, middle) <= bytesMax) low = middle
      else high = middle - 1
    }
    return low
  }

  #copy(from: Index, through: Index): Entry[] {
    // Only slots below `#forgotten` are empty, and nothing from there is ever asked for.
    assert(from > this.#compacted.index, () => `log: entry ${from} is compacted`)
    return this.#entries.slice(from - this.#base, through + 1 - this.#base) as Entry[]
  }
}

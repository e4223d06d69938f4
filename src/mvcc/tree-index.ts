/**
 * All keys ever written and not compacted away: a Map for single keys, and a tree beside it for ranges.
 *
 * The tree alone would do, at seven times the cost of a point read; it is touched only when a key appears or goes
 * (measured, see the performance page: 92 against 660 ns at 100,000 keys).
 */
import type { Key } from '../base/bytes.js'
import { OrderedMap } from '../base/ordered-map.js'
import { KeyIndex } from './key-index.js'

export class TreeIndex {
  readonly #points = new Map<Key, KeyIndex>()
  readonly #order = new OrderedMap<KeyIndex>()
  #loading = false

  /** Keys with a history, whether they exist now or not. */
  get size(): number {
    return this.#points.size
  }

  get(key: Key): KeyIndex | undefined {
    return this.#points.get(key)
  }

  getOrInsert(key: Key): KeyIndex {
    const found = this.#points.get(key)
    if (found !== undefined) return found
    const created = new KeyIndex(key)
    this.#points.set(key, created)
    if (!this.#loading) this.#order.set(key, created)
    return created
  }

  /**
   * Many keys are about to come, in any order: until {@link finishLoading} nothing is removed, or visited by range. A
   * million of them take 5 s to enter the tree one by one, and 1 s when they were sorted before (measured): neighbours are
   * entered while they are at hand.
   */
  startLoading(): void {
    this.#loading = true
  }

  finishLoading(): void {
    this.#loading = false
    for (const key of [...this.#points.keys()].sort()) this.#order.set(key, this.#points.get(key) as KeyIndex)
  }

  remove(key: Key): void {
    this.#points.delete(key)
    this.#order.delete(key)
  }

  /**
   * Visits the histories of a key (`rangeEnd` undefined) or a range in key order, until `visit` returns false. Nothing
   * may be inserted or removed meanwhile.
   */
  visit(key: Key, rangeEnd: Key | undefined, visit: (found: KeyIndex) => boolean): void {
    if (rangeEnd === undefined) {
      const found = this.#points.get(key)
      if (found !== undefined) visit(found)
      return
    }
    this.#order.visit(key, rangeEnd, visit)
  }

  /** Every history, in no order that means anything. */
  all(): IterableIterator<KeyIndex> {
    return this.#points.values()
  }
}

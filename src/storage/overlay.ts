/**
 * Changes of the state that lie over what is on disk: a value for a key that was set, {@link DELETED} for one that was
 * deleted, nothing for one that was not touched.
 *
 * Sets far outnumber ordered reads, and revision keys grow, so that order is not kept but made when asked for: keys since
 * the last time are sorted and merged into the sorted ones.
 */

/** Hides what is on disk. */
export const DELETED = null

export type Change = Uint8Array | typeof DELETED

export class Overlay {
  readonly #changes = new Map<string, Change>()
  #sorted: string[] = []
  /** Keys that are not yet in `#sorted`. */
  #unsorted: string[] = []

  get size(): number {
    return this.#changes.size
  }

  /** The change of `key`; undefined when it was not touched. */
  get(key: string): Change | undefined {
    return this.#changes.get(key)
  }

  put(key: string, change: Change): void {
    const before = this.#changes.size
    this.#changes.set(key, change)
    if (this.#changes.size !== before) this.#unsorted.push(key)
  }

  /** The changes with start <= key < end in key order; up to the one that makes `values` values, if they are so many. */
  slice(start: string, end: string | undefined, values: number): [key: string, change: Change][] {
    const keys = this.#sortedKeys()
    const changes: [string, Change][] = []
    let left = values
    for (let at = lowerBound(keys, start); at < keys.length && left > 0; at++) {
      const key = keys[at] as string
      if (end !== undefined && key >= end) break
      const change = this.#changes.get(key) as Change
      changes.push([key, change])
      if (change !== DELETED) left--
    }
    return changes
  }

  #sortedKeys(): readonly string[] {
    if (this.#unsorted.length === 0) return this.#sorted
    const fresh = this.#unsorted.sort(compare)
    const last = this.#sorted[this.#sorted.length - 1]
    if (last === undefined) this.#sorted = fresh
    else if (last < (fresh[0] as string)) for (const key of fresh) this.#sorted.push(key)
    else this.#sorted = mergeKeys(this.#sorted, fresh)
    this.#unsorted = []
    return this.#sorted
  }
}

function mergeKeys(a: readonly string[], b: readonly string[]): string[] {
  const merged: string[] = []
  let fromA = 0
  let fromB = 0
  while (fromA < a.length && fromB < b.length) {
    const keyA = a[fromA] as string
    const keyB = b[fromB] as string
    if (keyA < keyB) {
      merged.push(keyA)
      fromA++
    } else {
      merged.push(keyB)
      fromB++
    }
  }
  for (; fromA < a.length; fromA++) merged.push(a[fromA] as string)
  for (; fromB < b.length; fromB++) merged.push(b[fromB] as string)
  return merged
}

function lowerBound(keys: readonly string[], key: string): number {
  let low = 0
  let high = keys.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((keys[middle] as string) < key) low = middle + 1
    else high = middle
  }
  return low
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * A set of keys, as ranges that neither overlap nor touch.
 *
 * Always: ranges that together cover something cover it here as one, so that a look at a single range decides whether a
 * request is inside, by binary search. A range may be added; to take one away, the set is made anew from what is left,
 * since another permission may cover the same keys.
 */
import type { Key } from '../base/bytes.js'
import type { KeyRange } from './key-range.js'

export class RangeSet {
  /** Ascending. */
  readonly #ranges: KeyRange[]

  constructor(ranges: readonly KeyRange[] = []) {
    this.#ranges = merge(ranges)
  }

  /** Ascending, with gaps between them. */
  get ranges(): readonly KeyRange[] {
    return this.#ranges
  }

  add(range: KeyRange): void {
    const from = this.#indexOf((each) => reaches(each.end, range.start))
    const behind = this.#indexOf((each) => range.end !== undefined && each.start > range.end)
    const touched = this.#ranges.slice(from, behind)
    const [first] = touched
    const start = first !== undefined && first.start < range.start ? first.start : range.start
    const end = touched.reduce((end, each) => later(end, each.end), range.end)
    this.#ranges.splice(from, touched.length, { start, end })
  }

  /** Whether every key of `range` is in the set. */
  covers(range: KeyRange): boolean {
    const behind = this.#indexOf((each) => each.start > range.start)
    const found = this.#ranges[behind - 1]
    if (found === undefined || !reaches(found.end, range.start)) return false
    return found.end === undefined || (range.end !== undefined && range.end <= found.end)
  }

  /** Of the first range for which `holds`, which then holds for all behind it; the number of ranges if there is none. */
  #indexOf(holds: (range: KeyRange) => boolean): number {
    let low = 0
    let high = this.#ranges.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (holds(this.#ranges[middle] as KeyRange)) high = middle
      else low = middle + 1
    }
    return low
  }
}

function merge(ranges: readonly KeyRange[]): KeyRange[] {
  const merged: KeyRange[] = []
  for (const range of [...ranges].sort((a, b) => (a.start < b.start ? -1 : a.start > b.start ? 1 : 0))) {
    const last = merged.at(-1)
    if (last === undefined || !reaches(last.end, range.start)) merged.push(range)
    else merged[merged.length - 1] = { start: last.start, end: later(last.end, range.end) }
  }
  return merged
}

/** Whether what ends at `end` touches or passes `key`. */
function reaches(end: Key | undefined, key: Key): boolean {
  return end === undefined || end >= key
}

function later(a: Key | undefined, b: Key | undefined): Key | undefined {
  if (a === undefined || b === undefined) return undefined
  return a > b ? a : b
}

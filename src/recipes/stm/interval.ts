/** Arithmetic of ranges of keys. */
import { rangeOf, type Selection } from '../../api/key-value.js'
import { FROM_KEY_ON, keyBytes, type Key } from '../../base/bytes.js'

/** From `from` to before `to`; undefined: to the last key there is. */
export interface Interval {
  readonly from: Key
  readonly to: Key | undefined
}

export function intervalOf(selection: Selection): Interval {
  const { key, rangeEnd } = rangeOf(selection)
  if (rangeEnd === undefined) return { from: key, to: nextKey(key) }
  return { from: key, to: rangeEnd === FROM_KEY_ON ? undefined : rangeEnd }
}

/** For calls of the store. */
export function selectionOf({ from, to }: Interval): Selection {
  if (to === undefined) return { from: keyBytes(from) }
  return to === nextKey(from) ? keyBytes(from) : { from: keyBytes(from), to: keyBytes(to) }
}

/** The first key behind `key`. */
export function nextKey(key: Key): Key {
  return `${key}\0`
}

export function covers({ from, to }: Interval, key: Key): boolean {
  return key >= from && (to === undefined || key < to)
}

export function isOneKey({ from, to }: Interval): boolean {
  return to === nextKey(from)
}

/** What is left of it without some keys. */
export function without(interval: Interval, keys: Iterable<Key>): Interval[] {
  const left: Interval[] = []
  let { from } = interval
  for (const key of [...keys].filter((each) => covers(interval, each)).sort()) {
    if (from < key) left.push({ from, to: key })
    from = nextKey(key)
  }
  if (interval.to === undefined || from < interval.to) left.push({ from, to: interval.to })
  return left
}

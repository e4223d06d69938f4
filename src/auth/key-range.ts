/**
 * Ranges of keys in the one form in which they are compared: from a start to before an end.
 *
 * Requests and permissions name ranges as etcd does, with an end that may be missing (one key) or a zero byte (from the
 * key on). That form has three meanings for one pair of fields, and etcd once checked by one of them what it then served
 * by another (GHSA-xg4h-6gfc-h4m8). So both sides are translated here, by this one function, and nothing else in this
 * folder looks at a range end.
 */
import { FROM_KEY_ON, type Key } from '../base/bytes.js'
import { quoteKey } from '../base/quote.js'

export interface KeyRange {
  readonly start: Key
  /** The first key behind it; undefined: there is none, it has no end. */
  readonly end: Key | undefined
}

/**
 * An end that is not behind the key leaves no key. It counts as the key itself then: who asks for nothing must still be
 * allowed what they name, as with etcd.
 */
export function rangeOf(key: Key, rangeEnd: Key | undefined): KeyRange {
  if (rangeEnd === FROM_KEY_ON) return { start: key, end: undefined }
  if (rangeEnd === undefined || rangeEnd <= key) return oneKey(key)
  return { start: key, end: rangeEnd }
}

export function oneKey(key: Key): KeyRange {
  return { start: key, end: key + '\0' }
}

/** For people: `'a'`, `'a' to before 'b'`, `everything from 'a' on`, `all keys`. */
export function describeRange({ start, end }: KeyRange): string {
  if (end === undefined && start <= '\0') return 'all keys'
  if (end === undefined) return `everything from ${quoteKey(start)} on`
  return end === start + '\0' ? quoteKey(start) : `${quoteKey(start)} to before ${quoteKey(end)}`
}

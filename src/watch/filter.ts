/** What one watch wants to see: a key or a range, and which kinds of events. */
import { FROM_KEY_ON, prefixEnd, type Key } from '../base/bytes.js'
import type { Event } from '../mvcc/types.js'

export interface Filter {
  readonly key: Key
  /** Undefined: the one key. {@link FROM_KEY_ON}: every key from `key` on. Else keys from `key` to before it. */
  readonly rangeEnd?: Key | undefined
  readonly noPut?: boolean | undefined
  readonly noDelete?: boolean | undefined
}

/** Whether the filter, whose keys are known to fit, lets this kind of event through. */
export function admitsType(filter: Filter, event: Event): boolean {
  return event.type === 'put' ? filter.noPut !== true : filter.noDelete !== true
}

export function admits(filter: Filter, event: Event): boolean {
  return admitsType(filter, event) && contains(filter, event.keyValue.key)
}

export function contains({ key, rangeEnd }: Filter, candidate: Key): boolean {
  if (rangeEnd === undefined) return candidate === key
  return candidate >= key && (rangeEnd === FROM_KEY_ON || candidate < rangeEnd)
}

/** The longest beginning that all keys of the range have in common: what its bounds have, or for a prefix itself. */
export function stemOf(key: Key, rangeEnd: Key): Key {
  if (rangeEnd === FROM_KEY_ON) return ''
  if (rangeEnd === prefixEnd(key)) return key
  let length = 0
  while (length < key.length && key[length] === rangeEnd[length]) length++
  return key.slice(0, length)
}

/** Equal for filters that let the same events through. */
export function identityOf({ key, rangeEnd, noPut, noDelete }: Filter): string {
  const kinds = `${noPut ? '-' : 'p'}${noDelete ? '-' : 'd'}`
  return rangeEnd === undefined ? `${kinds}=${key}` : `${kinds}${key.length}:${key}${rangeEnd}`
}

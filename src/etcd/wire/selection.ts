/**
 * Between etcd's key and range end and a selection.
 *
 *     range_end ''       the key
 *     range_end '\0'     every key from the key on
 *     range_end other    keys from the key to before it; none where it is not behind the key
 */
import { StoreError } from '../../base/errors.js'
import { asBuffer, keyBytes } from '../../base/bytes.js'
import { rangeOf, type Selection } from '../../api/key-value.js'

/** Throws `EMPTY_KEY`. */
export function selectionOf(key: Uint8Array, rangeEnd: Uint8Array): Selection {
  if (key.length === 0) throw new StoreError('EMPTY_KEY', 'The key is empty; a key has at least one byte.')
  if (rangeEnd.length === 0) return key
  if (isFromKeyOn(rangeEnd)) return { from: key }
  return { from: key, to: rangeEnd }
}

/** Whether this range end means "without end". */
export function isFromKeyOn(rangeEnd: Uint8Array): boolean {
  return rangeEnd.length === 1 && rangeEnd[0] === 0
}

const NO_RANGE_END = Buffer.alloc(0)

/** What a request names a selection by. */
export interface WireRange {
  readonly key: Buffer
  readonly range_end: Buffer
}

/** Throws TypeError for anything that is not a selection. */
export function wireRangeOf(selection: Selection): WireRange {
  const { key, rangeEnd } = rangeOf(selection)
  return {
    key: asBuffer(keyBytes(key)),
    range_end: rangeEnd === undefined ? NO_RANGE_END : asBuffer(keyBytes(rangeEnd)),
  }
}

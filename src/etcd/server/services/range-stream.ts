/**
 * A range as a stream of pieces, which together are the answer that it would have as a whole: all of the revision of the
 * first, or of the one that is asked for, each about as large as a request may be. What is about the whole stands in the last one: header, `count`, `more`.
 */
import { isStoreError } from '../../../base/errors.js'
import { asBuffer } from '../../../base/bytes.js'
import type { KeyValue, Selection } from '../../../api/key-value.js'
import type { RangeOptions, RangeResult, Store } from '../../../api/store.js'
import { wireRangeOf, selectionOf } from '../../wire/selection.js'

/** One piece; `end` with the last. */
export interface RangePiece {
  readonly items: readonly KeyValue[]
  readonly end: Pick<RangeResult, 'count' | 'more' | 'revision'> | undefined
}

const FIRST_KEYS = 10

/** @param options in key order, without bounds of revisions. */
export async function* rangePieces(
  store: Store,
  selection: Selection,
  options: RangeOptions,
  bytesWanted: number,
): AsyncGenerator<RangePiece> {
  const { limit = Infinity } = options
  const first = await readPiece(store, selection, options, Math.min(FIRST_KEYS, limit))
  const { count, revision } = first.result
  // What was told is the current one, whichever was read.
  const at = options.revision ?? revision
  let { result, keys } = first
  let left = limit
  let rest = selection
  for (;;) {
    const { items, more } = result
    left -= items.length
    const last = items.at(-1)
    if (!more || left === 0 || last === undefined) {
      yield { items, end: { count, more, revision } }
      return
    }
    yield { items, end: undefined }
    rest = behind(rest, last)
    keys = nextKeys(keys, items, bytesWanted)
    // Of the same revision, which this member has read already: nothing is to be asked of others.
    const again: RangeOptions = { ...options, revision: at, consistency: 'local' }
    ;({ result, keys } = await readPiece(store, rest, again, Math.min(keys, left)))
  }
}

/** With fewer keys where the answer would be too large. */
async function readPiece(
  store: Store,
  selection: Selection,
  options: RangeOptions,
  limit: number,
): Promise<{ readonly result: RangeResult; readonly keys: number }> {
  for (let keys = limit; ; keys = Math.ceil(keys / 2)) {
    try {
      return { result: await store.range(selection, { ...options, limit: keys }), keys }
    } catch (error) {
      if (keys === 1 || !isStoreError(error, 'RESPONSE_TOO_LARGE')) throw error
    }
  }
}

function nextKeys(keys: number, items: readonly KeyValue[], bytesWanted: number): number {
  let bytes = 0
  for (const item of items) bytes += item.keyBytes.length + item.value.length
  if (bytes * 2 <= bytesWanted) return keys * 2
  return bytes > bytesWanted ? Math.ceil(keys / 2) : keys
}

const LEAST_SUFFIX = Buffer.alloc(1)

/** What of a selection of several keys lies behind one of them. */
function behind(selection: Selection, last: KeyValue): Selection {
  const next = Buffer.concat([asBuffer(last.keyBytes), LEAST_SUFFIX])
  return selectionOf(next, wireRangeOf(selection).range_end)
}

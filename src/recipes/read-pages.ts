/**
 * All of a selection as it was at one revision, in parts: what does not fit into one answer can be read all the same.
 *
 * Always: every part is read at the revision of the first. Read at the latest each, a transaction that writes into two parts
 * would show in one of them only.
 * Not here: history that is compacted in between. The next part is refused with `COMPACTED` then, and everything has to be
 * read anew.
 */
import { rangeOf, type KeyRange, type KeyValue, type Selection } from '../api/key-value.js'
import type { Revision } from '../api/operations.js'
import type { RangeResult, Store } from '../api/store.js'
import { FROM_KEY_ON, keyBytes, keyOf, type Key } from '../base/bytes.js'
import { isStoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Patience } from './patience.js'

export interface Page {
  readonly items: readonly KeyValue[]
  /** The same in each page. */
  readonly revision: Revision
}

/** Pages in key order, one at least. Each call is made again while it fails for a reason that may pass. */
export async function* readPages(
  store: Store,
  selection: Selection,
  patience: Patience,
): AsyncGenerator<Page, void, undefined> {
  const range = rangeOf(selection)
  let limit: number = LIMITS.viewPageKeys
  let rest = selection
  let revision: Revision | undefined
  for (;;) {
    let page: RangeResult
    try {
      page = await patience.insist((signal) => store.range(rest, { limit, revision, signal }))
    } catch (error) {
      // Of small values many fit, of large ones few: what the values are is seen when they are read.
      if (!isStoreError(error, 'RESPONSE_TOO_LARGE') || limit === 1) throw error
      limit = Math.ceil(limit / 2)
      continue
    }
    const { items, more } = page
    revision ??= page.revision
    yield { items, revision }
    const last = items.at(-1)
    if (!more || last === undefined) return
    rest = after(range, keyOf(last.keyBytes))
  }
}

/** What of a range comes behind a key. */
function after({ rangeEnd }: KeyRange, key: Key): Selection {
  const from = keyBytes(`${key}\0`)
  return rangeEnd === undefined || rangeEnd === FROM_KEY_ON ? { from } : { from, to: keyBytes(rangeEnd) }
}

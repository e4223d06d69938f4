/**
 * What history tells of a key: the first change of it after a revision. It is how a write whose outcome was unknown finds
 * out, afterwards, whether it was that change.
 */
import type { BytesLike } from '../../base/bytes.js'
import type { Revision } from '../../api/operations.js'
import type { Store, WatchEvent } from '../../api/store.js'
import { endedByItself } from '../ended-by-itself.js'
import { isForgotten } from '../failures.js'

/** Waits for one where there was none. Undefined: that part of history was compacted, and nobody can tell any more. */
export async function firstChangeAfter(
  store: Store,
  key: BytesLike,
  revision: Revision,
  signal: AbortSignal,
): Promise<WatchEvent | undefined> {
  try {
    for await (const event of store.watch(key, { startRevision: revision + 1, signal })) return event
  } catch (error) {
    if (isForgotten(error)) return undefined
    throw error
  }
  return endedByItself(store, key, signal)
}

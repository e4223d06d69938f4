/** A watch that ended although nobody ended it. */
import type { Selection } from '../api/key-value.js'
import type { Store } from '../api/store.js'
import { StoreError } from '../base/errors.js'

/**
 * Rejects with what that means. Watches end when their store is closed: then it refuses this question, with `CLOSED`, and nothing
 * comes any more. They end, too, when the stream breaks that brought their events: then the store answers, and it is
 * `UNREACHABLE`, which passes. Were that taken for the end of the store, a job or a registration would end for good with it.
 */
export async function endedByItself(store: Store, selection: Selection, signal: AbortSignal): Promise<never> {
  signal.throwIfAborted()
  await store.range(selection, { countOnly: true, signal })
  throw new StoreError('UNREACHABLE', 'a watch ended by itself')
}

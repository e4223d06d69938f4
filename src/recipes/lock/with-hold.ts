/** Doing something while something is held. */
import { kind } from '../../api/check-fields.js'
import type { Store } from '../../api/store.js'
import type { Hold } from './hold.js'

/**
 * Runs `work` with what is held and gives it back. Resolves with what `work` does only if it was held until then; rejects
 * with `LOCK_LOST` when it was not, or with the error of `work`; with a TypeError, before it waits, where that is no function.
 */
export async function withHold<Held extends Hold, Result>(
  store: Store,
  what: string,
  work: (held: Held) => Promise<Result> | Result,
  acquire: () => Promise<Held>,
): Promise<Result> {
  if (typeof work !== 'function') throw new TypeError(`${what} takes a function, not ${kind(work)}`)
  const held = await acquire()
  try {
    const result = await work(held)
    held.signal.throwIfAborted()
    return result
  } finally {
    await held[Symbol.asyncDispose]().catch((error: unknown) => {
      // What `work` did is done: the failure to say so at once only makes the next one wait for the lease to end.
      store.environment.logger.warn('a lock is left to its lease', { reason: String(error) })
    })
  }
}

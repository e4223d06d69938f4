/**
 * A store some of whose writes end without an answer and take effect later, or never: all that the contract allows an unknown
 * outcome to be. Networks do it too, but rarely within the seconds of a scenario.
 */
import { StoreError, type Store } from 'quorate'
import type { NodeEnvironment } from 'quorate/testing'
import { decorated } from '../stage.js'

export interface LateWritesOptions {
  /** One in so many writes. */
  readonly oneIn: number
  /** Milliseconds by which they are late, at most. */
  readonly lateMsMax: number
}

export function lateWrites<Observed, Exposed>(
  store: Store,
  env: Pick<NodeEnvironment<Observed, Exposed>, 'below' | 'timers'>,
  { oneIn, lateMsMax }: LateWritesOptions,
): Store {
  const perhaps = async <Result>(write: () => Promise<Result>): Promise<Result> => {
    if (env.below(oneIn) > 0) return write()
    env.timers.after(env.below(lateMsMax), () => {
      write().catch(() => undefined)
    })
    throw new StoreError('TIMEOUT', 'there was no answer', { outcome: 'unknown' })
  }
  return decorated(store, {
    put: (key, value, { signal: _, ...options } = {}) => perhaps(() => store.put(key, value, options)),
    txn: (transaction, { signal: _, ...options } = {}) => perhaps(() => store.txn(transaction, options)),
  })
}

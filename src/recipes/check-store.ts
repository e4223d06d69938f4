/** What every recipe is given first. */
import { kind } from '../api/check-fields.js'
import type { Store } from '../api/store.js'

/** Throws TypeError for what is no store, rather than say with the first call that something of it is undefined. */
export function checkStore(store: Store): void {
  const { txn, watch, environment } = (store ?? {}) as Partial<Store>
  if (typeof txn === 'function' && typeof watch === 'function' && typeof environment === 'object') return
  throw new TypeError(`store must be a store, as open() resolves with, not ${kind(store)}`)
}

import type { Store } from '../../api/store.js'

/** Tests by what they show; each gets a store of its own. */
export type StoreTests = Readonly<Record<string, (store: Store) => Promise<void>>>

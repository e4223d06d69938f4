import type { Store } from '../../api/store.js'
import type { Revision } from '../../mvcc/types.js'

/** What a test has to know of its store. */
export interface UnderTest {
  /** What is revision `nth` in a store to which nothing else was ever written. */
  readonly at: (nth: number) => Revision
  readonly prefixBytes: number
  readonly closes: 'store' | 'handle'
  readonly many: number
}

/** Tests by what they show; each gets a store of its own. */
export type StoreTests = Readonly<Record<string, (store: Store, under: UnderTest) => Promise<void>>>

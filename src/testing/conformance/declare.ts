/** How a suite of tests over a store is declared: each test gets a store of its own, which is closed behind it. */
import type { Store } from '../../api/store.js'
import type { StoreTests } from './store-tests.js'

/** A store of its own for one test: empty and ready. Nobody else writes meanwhile. */
export interface StoreHarness {
  readonly store: Store
  /** The revision that it is at. Default 1: nothing was ever written. */
  readonly revision?: number
  /** Bytes that stand in front of each key, of which it shows nothing: of a namespace. They count where bytes are limited. Default 0. */
  readonly prefixBytes?: number
  /** Whether `close()` ends the store, or this handle of it alone. Default: the store. */
  readonly closes?: 'store' | 'handle'
  /** How many changes a consumer that is slow has not taken yet. Default 5000. */
  readonly many?: number
  /** After the test, which may have closed the store. */
  dispose?(): Promise<void> | void
}

export interface StoreSuiteOptions {
  /** Declares a test, as `test` of vitest or node:test does. */
  test(name: string, body: () => Promise<void>): void
  harness(): StoreHarness | Promise<StoreHarness>
}

export function declareTests(options: StoreSuiteOptions, tests: StoreTests): void {
  for (const [name, body] of Object.entries(tests)) {
    options.test(name, async () => {
      const harness = await options.harness()
      try {
        const { store, revision = 1, prefixBytes = 0, closes = 'store', many = 5000 } = harness
        await body(store, { at: (nth) => revision - 1 + nth, prefixBytes, closes, many })
      } finally {
        await harness.store.close()
        await harness.dispose?.()
      }
    })
  }
}

/**
 * What every Store must do, whether its member is in this process or far away, leads or follows: run it against your own.
 *
 * Imports no test framework: it takes the function that declares a test, and a factory. It waits for what a store tells,
 * never for time to pass, so that a store in virtual time is tested like one on real clocks; what is to come and does not
 * ends with the framework's own time-out.
 */
import type { Store } from '../../api/store.js'
import { membership } from './store-cluster.js'
import { keys } from './store-keys.js'
import { leases } from './store-leases.js'
import { lifecycle } from './store-lifecycle.js'
import { maintenance } from './store-maintenance.js'
import { refusals } from './store-refusals.js'
import type { StoreTests } from './store-tests.js'
import { transactions } from './store-transactions.js'
import { watches } from './store-watches.js'

/** A store of its own for one test: empty and ready. Nobody else writes meanwhile. */
export interface StoreHarness {
  readonly store: Store
  /** The revision that it is at. Default 1: nothing was ever written. */
  readonly revision?: number
  /** Bytes that stand in front of each key, of which it shows nothing: of a namespace. They count where bytes are limited. Default 0. */
  readonly prefixBytes?: number
  /** Whether `close()` ends the store, or this handle of it alone. Default: the store. */
  readonly closes?: 'store' | 'handle'
  /** After the test, which may have closed the store. */
  dispose?(): Promise<void> | void
}

export interface StoreSuiteOptions {
  /** Declares a test, as `test` of vitest or node:test does. */
  test(name: string, body: () => Promise<void>): void
  harness(): StoreHarness | Promise<StoreHarness>
}

/**
 * Declares the suite.
 *
 * @example
 * describe('my store', () => {
 *   storeConformance({ test, harness: async () => ({ store: await open() }) })
 * })
 */
export function storeConformance(options: StoreSuiteOptions): void {
  const suites: StoreTests = {
    ...keys,
    ...transactions,
    ...leases,
    ...watches,
    ...maintenance,
    ...membership,
    ...refusals,
    ...lifecycle,
  }
  for (const [name, body] of Object.entries(suites)) {
    options.test(name, async () => {
      const harness = await options.harness()
      try {
        const { store, revision = 1, prefixBytes = 0, closes = 'store' } = harness
        await body(store, { at: (nth) => revision - 1 + nth, prefixBytes, closes })
      } finally {
        await harness.store.close()
        await harness.dispose?.()
      }
    })
  }
}

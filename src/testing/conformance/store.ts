/**
 * What every Store must do, whether its member is in this process or far away, leads or follows: run it against your own.
 *
 * Imports no test framework: it takes the function that declares a test, and a factory. It waits for what a store tells,
 * never for time to pass, so that a store in virtual time is tested like one on real clocks; what is to come and does not
 * ends with the framework's own time-out.
 */
import { declareTests, type StoreSuiteOptions } from './declare.js'
import { without, type Lack } from './lacks.js'
import { membership } from './store-cluster.js'
import { keys } from './store-keys.js'
import { leases } from './store-leases.js'
import { lifecycle } from './store-lifecycle.js'
import { maintenance } from './store-maintenance.js'
import { refusals } from './store-refusals.js'
import { transactions } from './store-transactions.js'
import { watches } from './store-watches.js'

export interface StoreConformanceOptions extends StoreSuiteOptions {
  /** What the store has not, and need not have: the tests of that are left out. Default: nothing. */
  readonly lacks?: readonly Lack[]
}

/**
 * Declares the suite.
 *
 * @example
 * describe('my store', () => {
 *   storeConformance({ test, harness: async () => ({ store: await open() }) })
 * })
 */
export function storeConformance(options: StoreConformanceOptions): void {
  const tests = {
    ...keys,
    ...transactions,
    ...leases,
    ...watches,
    ...maintenance,
    ...membership,
    ...refusals,
    ...lifecycle,
  }
  declareTests(options, without(options.lacks ?? [], tests))
}

/**
 * What users of the recipes rely on, over any store: run it against your own, and all that is built on it is known to work.
 *
 * Imports no test framework, and waits for what a store tells, never for time, like the suite of the store itself
 * (store.ts), which a store should pass first.
 */
import { declareTests, type StoreSuiteOptions } from './declare.js'
import { barriers } from './recipes-barriers.js'
import { elections } from './recipes-elections.js'
import { jobs } from './recipes-jobs.js'
import { locks } from './recipes-locks.js'
import { numbers } from './recipes-numbers.js'
import { queues } from './recipes-queues.js'
import { views } from './recipes-views.js'

/**
 * Declares the suite.
 *
 * @example
 * describe('recipes over my store', () => {
 *   recipeConformance({ test, harness: async () => ({ store: await open() }) })
 * })
 */
export function recipeConformance(options: StoreSuiteOptions): void {
  declareTests(options, { ...locks, ...elections, ...barriers, ...numbers, ...queues, ...views, ...jobs })
}

/**
 * What every transport must do: run it against your own.
 *
 * Imports no test framework: it takes the function that declares a test, and a factory. It waits for what is reported,
 * never for time to pass, so that a transport in virtual time is tested like one on sockets; what is to arrive and does
 * not ends with the framework's own time-out.
 */
import { LIMITS } from '../../base/limits.js'
import { channelTests, duplicateTests, questionTests, removalTests } from './transport-channels.js'
import { deliveryTests } from './transport-delivery.js'
import { lifecycleTests } from './transport-lifecycle.js'
import { refusalTests } from './transport-refusals.js'
import { World } from './transport-world.js'
import type { TransportHarness, TransportTests } from './transport-world.js'

export type { TransportHarness } from './transport-world.js'

export interface TransportSuiteOptions {
  /** Declares a test, as `test` of vitest or node:test does. */
  test(name: string, body: () => Promise<void>): void
  harness(): TransportHarness | Promise<TransportHarness>
  /** Payload bytes of the largest frame. Default: `LIMITS.frameBytesMax`. */
  readonly frameBytesMax?: number
}

/**
 * Declares the suite.
 *
 * @example
 * describe('my transport', () => {
 *   transportConformance({ test, harness: () => ({ transport: (address) => ..., timers }) })
 * })
 */
export function transportConformance(options: TransportSuiteOptions): void {
  const declare = (tests: TransportTests, has: (harness: TransportHarness) => boolean = () => true): void => {
    for (const [name, body] of Object.entries(tests)) declareOne(name, body, has)
  }
  const declareOne = (
    name: string,
    body: TransportTests[string],
    has: (harness: TransportHarness) => boolean,
  ): void => {
    options.test(name, async () => {
      const harness = await options.harness()
      const world = new World(harness, options.frameBytesMax ?? LIMITS.frameBytesMax)
      try {
        if (has(harness)) await body(world)
      } finally {
        await world.dispose()
      }
    })
  }
  declare({ ...deliveryTests, ...channelTests, ...refusalTests, ...removalTests, ...lifecycleTests })
  declare(questionTests, (harness) => harness.transport().ask !== undefined)
  declare(duplicateTests, (harness) => harness.refusesDuplicates === true)
}

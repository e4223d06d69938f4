/**
 * What every transport must do: run it against your own.
 *
 * Imports no test framework: it takes the function that declares a test, and a factory. It waits for what is reported,
 * never for time to pass, so that a transport in virtual time is tested like one on sockets; what is to arrive and does
 * not ends with the framework's own time-out.
 */
import { LIMITS } from '../../base/limits.js'
import { deliveryTests } from './transport-delivery.js'
import { lifecycleTests } from './transport-lifecycle.js'
import { refusalTests } from './transport-refusals.js'
import { World } from './transport-world.js'
import type { TransportHarness } from './transport-world.js'

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
  const declare = (name: string, body: (world: World) => Promise<void>): void => {
    options.test(name, async () => {
      const world = new World(await options.harness(), options.frameBytesMax ?? LIMITS.frameBytesMax)
      try {
        await body(world)
      } finally {
        await world.dispose()
      }
    })
  }
  for (const [name, body] of Object.entries({ ...deliveryTests, ...refusalTests, ...lifecycleTests }))
    declare(name, body)
}

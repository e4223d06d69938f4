/**
 * What storage needs of a disk: run it against your own.
 *
 * Imports no test framework: it takes the function that declares a test, and a factory. What a disk is known not to do is
 * said in `lacking`: those tests are run all the same and must fail, so that the list stays true.
 */
import { check, failureOf } from './check.js'
import { databaseTests } from './disk-databases.js'
import { lifecycleTests } from './disk-lifecycle.js'
import { slotFileTests } from './disk-slot-file.js'
import { DiskWorld, type DiskHarness, type DiskTests } from './disk-world.js'

export type { DiskHarness } from './disk-world.js'

export interface DiskSuiteOptions {
  /** Declares a test, as `test` of vitest or node:test does. */
  test(name: string, body: () => Promise<void>): void
  harness(): DiskHarness | Promise<DiskHarness>
  /** Names of tests that this disk is known to fail, and why that can be lived with. */
  readonly lacking?: Readonly<Record<string, string>>
}

/**
 * Declares the suite.
 *
 * @example
 * describe('my disk', () => {
 *   diskConformance({ test, harness: () => ({ disk: () => ..., afterDeath: () => ... }) })
 * })
 */
export function diskConformance(options: DiskSuiteOptions): void {
  const { lacking = {} } = options
  const suites: DiskTests = { ...databaseTests, ...slotFileTests, ...lifecycleTests }
  const unknown = Object.keys(lacking).filter((name) => !Object.hasOwn(suites, name))
  if (unknown.length > 0) throw new TypeError(`lacking names tests that there are not: ${unknown.join('; ')}`)
  for (const [name, body] of Object.entries(suites)) {
    const run = async (): Promise<void> => {
      const world = new DiskWorld(await options.harness())
      try {
        await body(world)
      } finally {
        await world.dispose()
      }
    }
    const why = lacking[name]
    if (why === undefined) options.test(name, run)
    else options.test(`${name} (lacking: ${why})`, () => fails(run))
  }
}

async function fails(run: () => Promise<void>): Promise<void> {
  check((await failureOf(run)) !== undefined, 'this disk does what it is said to lack: take the test off the list')
}

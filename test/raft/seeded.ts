/** Seeded random numbers for tests: the core's port, and the draws a simulation needs. */
import type { Random } from '../../src/base/random.js'
import { seededRandom } from '../../src/base/seeded-random.js'

export class Seeded implements Random {
  readonly #generator: Random

  constructor(seed: number) {
    this.#generator = seededRandom(seed)
    // Its first numbers are close to the seed.
    for (let skipped = 0; skipped < 16; skipped++) this.#generator.uint32()
  }

  uint32(): number {
    return this.#generator.uint32()
  }

  /** A whole number, both ends included. */
  between(least: number, most: number): number {
    return least + Math.floor((this.uint32() / 0x1_0000_0000) * (most - least + 1))
  }

  chance(probability: number): boolean {
    return this.uint32() / 0x1_0000_0000 < probability
  }

  pick<T>(items: readonly T[]): T {
    const item = items[this.between(0, items.length - 1)]
    if (item === undefined) throw new RangeError('nothing to pick from')
    return item
  }
}

/** Seeded random numbers for tests: the core's port, and the draws a simulation needs. */
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import type { Random } from '../../src/base/random.js'

export class Seeded implements Random {
  readonly #generator: ReturnType<typeof xoroshiro128plus>

  constructor(seed: number) {
    this.#generator = xoroshiro128plus(seed)
    // Its first numbers are close to the seed.
    for (let skipped = 0; skipped < 16; skipped++) this.#generator.next()
  }

  uint32(): number {
    return this.#generator.next() >>> 0
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

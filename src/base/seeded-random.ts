/** The seeded generator behind the port: xoroshiro128+ (pure-rand). One seed gives one sequence, everywhere. */
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus'
import type { Random } from './random.js'

/** A generator of its own; `seed` is taken modulo 2^32. */
export function seededRandom(seed: number): Random {
  const generator = xoroshiro128plus(seed | 0)
  return { uint32: () => generator.next() >>> 0 }
}

/** Seeded numbers decide whole simulations: one seed must mean one sequence, everywhere and for ever. */
import { describe, expect, test } from 'vitest'
import fc from 'fast-check'
import { below, randomId, type Random } from '../../src/base/random.js'
import { seededRandom } from '../../src/base/seeded-random.js'

const draw = (random: Random, count: number): number[] => Array.from({ length: count }, () => random.uint32())

describe('seeded random numbers', () => {
  test('follow from their seed alone', () => {
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        expect(draw(seededRandom(seed), 20)).toEqual(draw(seededRandom(seed), 20))
      }),
    )
    expect(draw(seededRandom(1), 4)).not.toEqual(draw(seededRandom(2), 4))
  })

  test('are those of always', () => {
    expect(draw(seededRandom(42), 3)).toMatchInlineSnapshot(`
      [
        4294967253,
        3587504873,
        4286635183,
      ]
    `)
  })

  test('are unsigned 32-bit numbers of both halves', () => {
    const numbers = draw(seededRandom(7), 1000)
    for (const number of numbers) expect(number >= 0 && number < 2 ** 32 && Number.isInteger(number)).toBe(true)
    expect(numbers.filter((number) => number >= 2 ** 31).length).toBeGreaterThan(400)
  })
})

describe('a number below a limit', () => {
  test('reaches every number and no other', () => {
    const random = seededRandom(3)
    const counts = new Array<number>(6).fill(0)
    for (let roll = 0; roll < 6000; roll++) {
      const number = below(random, 6)
      counts[number] = (counts[number] ?? NaN) + 1
    }
    expect(counts).toHaveLength(6)
    for (const count of counts) expect(count).toBeGreaterThan(800)
  })

  test('stays below it for the largest draw', () => {
    const largest: Random = { uint32: () => 0xffff_ffff }
    for (const limit of [1, 2, 10, 1_000_000, 2 ** 32]) expect(below(largest, limit)).toBe(limit - 1)
  })
})

describe('a random id', () => {
  test('is a positive safe integer for the least and the largest draws', () => {
    for (const bits of [0, 0xffff_ffff]) {
      const id = randomId({ uint32: () => bits })
      expect(Number.isSafeInteger(id) && id > 0).toBe(true)
    }
  })

  test('does not come twice in a hundred thousand', () => {
    const random = seededRandom(5)
    const ids = new Set(Array.from({ length: 100_000 }, () => randomId(random)))
    expect(ids.size).toBe(100_000)
  })
})

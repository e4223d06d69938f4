/** Ranges merged into a set, against a look at every key. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { rangeOf } from '../../src/auth/key-range.js'
import { RangeSet } from '../../src/auth/range-set.js'
import { key, rangeEnd, UNIVERSE } from './arbitraries.js'
import { includes } from './model.js'

const named = fc.record({ key, rangeEnd })

describe('a set of ranges', () => {
  test('covers a range if every key of it is in one of the ranges', () => {
    fc.assert(
      fc.property(fc.array(named, { maxLength: 6 }), named, (all, asked) => {
        const touched = UNIVERSE.filter((each) => includes(asked.key, asked.rangeEnd, each))
        const expected = touched.every((each) => all.some((one) => includes(one.key, one.rangeEnd, each)))
        const set = new RangeSet(all.map((each) => rangeOf(each.key, each.rangeEnd)))
        expect(set.covers(rangeOf(asked.key, asked.rangeEnd))).toBe(expected)
      }),
      { numRuns: 2000 },
    )
  })

  test('is the same whether its ranges are given at once or added one by one, in any order', () => {
    fc.assert(
      fc.property(fc.array(named, { maxLength: 8 }), fc.nat(8), (all, at) => {
        const ranges = all.map((each) => rangeOf(each.key, each.rangeEnd))
        const grown = new RangeSet(ranges.slice(at))
        for (const range of ranges.slice(0, at)) grown.add(range)
        expect(grown.ranges).toEqual(new RangeSet(ranges).ranges)
      }),
      { numRuns: 2000 },
    )
  })

  test('keeps neighbours as one range, also a key and what follows it', () => {
    const set = new RangeSet([rangeOf('b', 'c'), rangeOf('a', undefined), rangeOf('a\0', 'b')])
    expect(set.ranges).toEqual([{ start: 'a', end: 'c' }])
  })
})

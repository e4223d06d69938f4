/** The first few in an order, against sorting everything and cutting off. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { firstInOrder, type Sortable } from '../../src/mvcc/sort.js'
import { sort } from './arbitraries.js'
import { inOrder } from './model.js'
import { bytes } from './requests.js'

const versions = fc
  .array(fc.record({ createRevision: fc.nat(5), modRevision: fc.nat(5), version: fc.nat(2), letter: fc.nat(3) }), {
    maxLength: 40,
    size: 'max',
  })
  .map((drawn) =>
    drawn.map(({ letter, ...numbers }, at) => ({
      ...numbers,
      key: String.fromCharCode(48 + at),
      value: bytes('abcd'.slice(letter)),
      lease: 0n,
    })),
  )

test('the first in any order are the first of all that are sorted, and what is kept is never more than those', () => {
  fc.assert(
    fc.property(versions, fc.option(sort), fc.nat(12), (all, order, limit) => {
      const most = limit === 0 ? Infinity : limit
      const shown: Sortable[] = []
      const first = firstInOrder<(typeof all)[number]>(order ?? undefined, most, (one) => shown.push(one))
      const kept = new Set<Sortable>()
      for (const one of all) {
        kept.add(one)
        const dropped = first.add(one)
        if (dropped) kept.delete(dropped)
        expect(kept.size).toBeLessThanOrEqual(most)
      }
      first.finish()
      const sorted = order ? [...all].sort(inOrder(order)) : all
      expect(shown).toEqual(sorted.slice(0, most))
      expect(new Set(shown)).toEqual(kept)
      expect(first.more).toBe(all.length > most)
    }),
    { numRuns: 500 },
  )
})

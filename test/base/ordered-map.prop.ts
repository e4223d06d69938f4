/** The ordered map against a sorted array. */
import { expect, test } from 'vitest'
import fc from 'fast-check'
import { FROM_KEY_ON } from '../../src/base/bytes.js'
import { OrderedMap } from '../../src/base/ordered-map.js'

const key = fc.constantFrom('\0', 'a', 'a\0', 'ab', 'b', 'c', '\xff', '\xff\xff')
const change = fc.record({ key, value: fc.option(fc.nat(), { nil: undefined }) })

test('it holds, orders and visits what a sorted array does, and a copy keeps what it had', () => {
  fc.assert(
    fc.property(
      fc.array(change, { maxLength: 30 }),
      fc.array(change, { maxLength: 5 }),
      key,
      key,
      (changes, later, from, to) => {
        const map = new OrderedMap<number>()
        const twin = new Map<string, number>()
        for (const { key, value } of changes) {
          if (value === undefined) {
            map.delete(key)
            twin.delete(key)
          } else {
            map.set(key, value)
            twin.set(key, value)
          }
        }
        const copy = map.clone()
        for (const { key, value } of later) if (value !== undefined) map.set(key, value + 1)

        const sorted = [...twin].sort(([a], [b]) => (a < b ? -1 : 1))
        expect(copy.size).toBe(sorted.length)
        expect(copy.get(from)).toBe(twin.get(from))
        expect(copy.next(from, true)).toEqual(sorted.find(([each]) => each >= from))
        expect(copy.next(from, false)).toEqual(sorted.find(([each]) => each > from))
        expect(copy.previous(from, true)).toEqual(sorted.findLast(([each]) => each <= from))
        expect(copy.previous(from, false)).toEqual(sorted.findLast(([each]) => each < from))
        expect(copy.previous(undefined, false)).toEqual(sorted.at(-1))

        const visited: number[] = []
        copy.visit(from, to, (value) => visited.push(value) < 3)
        const inside = sorted.filter(([each]) => each >= from && (to === FROM_KEY_ON || each < to))
        expect(visited).toEqual(inside.slice(0, 3).map(([, value]) => value))
      },
    ),
  )
})

/** The drawing in the header of key-index.ts, line by line, and the edges of it. */
import { describe, expect, test } from 'vitest'
import { AssertionError } from '../../src/base/assert.js'
import { KeyIndex } from '../../src/mvcc/key-index.js'

function drawn(): KeyIndex {
  const index = new KeyIndex('k')
  index.put(2, 0)
  index.put(5, 1)
  index.delete(6, 0)
  index.put(9, 0)
  index.put(11, 3)
  return index
}

function compact(index: KeyIndex, revision: number, dropped: (main: number, sub: number) => void): void {
  const superfluous = index.superfluousAt(revision)
  index.visit(0, superfluous, dropped)
  index.forget(superfluous)
}

describe('the history of one key', () => {
  test('grows as drawn', () => {
    const index = new KeyIndex('k')
    const state = () => [index.describe(), index.createRevision, index.version]
    expect(state()).toEqual(['', 0, 0])
    index.put(2, 0)
    expect(state()).toEqual(['2', 2, 1])
    index.put(5, 1)
    expect(state()).toEqual(['2 5', 2, 2])
    index.delete(6, 0)
    expect(state()).toEqual(['2 5 6†', 0, 0])
    index.put(9, 0)
    expect(state()).toEqual(['2 5 6† 9', 9, 1])
    index.put(11, 3)
    expect(state()).toEqual(['2 5 6† 9 11', 9, 2])
  })

  test.each([
    [1, '2 5 6† 9 11', []],
    [2, '2 5 6† 9 11', []],
    [4, '2 5 6† 9 11', []],
    [5, '5 6† 9 11', ['2.0']],
    [6, '6† 9 11', ['2.0', '5.1']],
    [7, '9 11', ['2.0', '5.1', '6.0']],
    [9, '9 11', ['2.0', '5.1', '6.0']],
    [10, '9 11', ['2.0', '5.1', '6.0']],
    [11, '11', ['2.0', '5.1', '6.0', '9.0']],
    [99, '11', ['2.0', '5.1', '6.0', '9.0']],
  ])('compacted at %i it keeps "%s"', (revision, kept, expected) => {
    const index = drawn()
    const dropped: string[] = []
    compact(index, revision, (main, sub) => dropped.push(`${main}.${sub}`))
    expect(index.describe()).toBe(kept)
    expect(dropped).toEqual(expected)
    expect([index.createRevision, index.version]).toEqual([9, 2])
  })

  test('answers at every revision what existed then', () => {
    const index = drawn()
    const at = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map((revision) => index.at(revision)?.main)
    expect(at).toEqual([undefined, 2, 2, 2, 5, undefined, undefined, undefined, 9, 9, 11, 11])
    expect(index.at(5)).toEqual({ main: 5, sub: 1 })
    expect(index.current).toEqual({ main: 11, sub: 3 })
  })

  test('is forgotten when a tombstone is the last thing left and it is older than the compaction', () => {
    const index = new KeyIndex('k')
    index.put(2, 0)
    index.delete(3, 0)
    compact(index, 3, () => undefined)
    expect([index.describe(), index.empty, index.compactable]).toEqual(['3†', false, true])
    compact(index, 4, () => undefined)
    expect([index.describe(), index.empty, index.compactable]).toEqual(['', true, false])
  })

  test('a compaction in its future leaves a single live version alone', () => {
    const index = new KeyIndex('k')
    index.put(2, 0)
    expect(index.compactable).toBe(false)
    compact(index, 50, () => expect.unreachable())
    expect(index.describe()).toBe('2')
  })

  test('refuses a change that is not newer, and a tombstone for what does not exist', () => {
    const index = drawn()
    expect(() => index.put(11, 4)).toThrow(AssertionError)
    expect(() => index.put(10, 0)).toThrow(AssertionError)
    index.delete(12, 0)
    expect(() => index.delete(13, 0)).toThrow(AssertionError)
  })

  test('is rebuilt from records whose beginning was compacted away', () => {
    const index = new KeyIndex('k')
    index.restore({ main: 6, sub: 2 }, undefined)
    index.restore({ main: 9, sub: 0 }, { createRevision: 9, version: 1 })
    index.restore({ main: 20, sub: 0 }, { createRevision: 9, version: 7 })
    expect([index.describe(), index.createRevision, index.version]).toEqual(['6† 9 20', 9, 7])
    index.put(21, 0)
    expect([index.createRevision, index.version]).toEqual([9, 8])
  })
})

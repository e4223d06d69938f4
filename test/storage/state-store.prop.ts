/** Every way of reading the state equals a naive twin, whatever is staged, under way, recent or on disk. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openStorage } from '../../src/storage/storage.js'
import { DISKS, IDENTITY } from './disks.js'

const key = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g') },
  { weight: 1, arbitrary: fc.constantFrom('', '\0', 'a\0', '\x80', '\xff', '\xff\xff', 'ab') },
)

const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ type: fc.constant('set' as const), key, value: fc.string({ maxLength: 3 }) }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant('delete' as const), key }) },
  // `wait`: whether the steps behind it find the commit under way or done.
  { weight: 2, arbitrary: fc.record({ type: fc.constant('commit' as const), wait: fc.boolean() }) },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('range' as const),
      start: key,
      end: fc.option(key),
      limit: fc.integer({ min: 1, max: 5 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant('getMany' as const), keys: fc.array(key, { maxLength: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('iterateAll' as const) }) },
)

function pairsOf(twin: ReadonlyMap<string, string>, start = '', end?: string | null): [string, string][] {
  return [...twin]
    .filter(([key]) => key >= start && (end === undefined || end === null || key < end))
    .sort(([a], [b]) => (a < b ? -1 : 1))
}

const text = (value: Uint8Array | undefined): string | undefined =>
  value === undefined ? undefined : Buffer.from(value).toString()

describe.each(DISKS)('on a $name disk', ({ name, make }) => {
  test('the state equals its twin', async () => {
    const numRuns = name === 'classic-level' ? 30 : 300
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const storage = await openStorage(make()(), IDENTITY)
        const { state } = storage
        const twin = new Map<string, string>()
        let commit: Promise<void> = Promise.resolve()
        // Reads that nobody has waited for yet: they must be of their moment, whatever came after.
        const checks: Promise<void>[] = []
        for (const action of steps) {
          switch (action.type) {
            case 'set':
              state.set(action.key, Buffer.from(action.value))
              twin.set(action.key, action.value)
              break
            case 'delete':
              state.delete(action.key)
              twin.delete(action.key)
              break
            case 'commit':
              await commit
              commit = state.commit()
              if (action.wait) await commit
              break
            case 'range': {
              const expected = pairsOf(twin, action.start, action.end).slice(0, action.limit)
              const found = state.range(action.start, action.end ?? undefined, action.limit)
              checks.push(
                found.then((pairs) => expect(pairs.map(([key, value]) => [key, text(value)])).toEqual(expected)),
              )
              break
            }
            case 'getMany': {
              const expected = action.keys.map((key) => twin.get(key))
              checks.push(state.getMany(action.keys).then((values) => expect(values.map(text)).toEqual(expected)))
              break
            }
            case 'iterateAll': {
              const expected = pairsOf(twin)
              const found: [string, string | undefined][] = []
              for await (const chunk of state.iterateAll())
                for (const [key, value] of chunk) found.push([key, text(value)])
              expect(found).toEqual(expected)
              break
            }
          }
          for (const probe of ['a', 'd', '\xff']) expect(text(state.get(probe))).toBe(twin.get(probe))
        }
        await Promise.all(checks)
        await commit
        await storage.close()
      }),
      { numRuns },
    )
  })
})

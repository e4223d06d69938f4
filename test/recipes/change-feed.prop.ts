/** What waits for a consumer of changes, against a twin that keeps every change. */
import { expect, test } from 'vitest'
import fc from 'fast-check'
import { LIMITS } from '../../src/base/limits.js'
import { ChangeFeed } from '../../src/recipes/view/change-feed.js'
import type { Difference, ViewChange } from '../../src/recipes/view/view-change.js'

const KEYS = ['a', 'b', 'c', 'd']
const CHANGES_MAX = 4

/** What is under a key: a value, one that cannot be read, or nothing. */
type Found = { readonly type: 'value'; readonly value: number } | { readonly type: 'unreadable' } | undefined

const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ put: fc.constantFrom(...KEYS) }) },
  { weight: 1, arbitrary: fc.record({ spoil: fc.constantFrom(...KEYS) }) },
  { weight: 2, arbitrary: fc.record({ delete: fc.constantFrom(...KEYS) }) },
  { weight: 2, arbitrary: fc.record({ take: fc.integer({ min: 1, max: 6 }) }) },
)
type Step = { put: string } | { spoil: string } | { delete: string } | { take: number }

class Source {
  readonly state = new Map<string, Found>()
  #revision = 0

  /** The change that a step makes, as a view tells it; undefined when it changes nothing. */
  change(key: string, next: Found): Difference<number> | undefined {
    const before = this.state.get(key)
    if (before === undefined && next === undefined) return undefined
    const common = { key, previous: valueOf(before), revision: ++this.#revision }
    if (next === undefined) this.state.delete(key)
    else this.state.set(key, next)
    const change: ViewChange<number> =
      next === undefined
        ? { type: 'delete', ...common, value: undefined }
        : next.type === 'value'
          ? { type: 'put', ...common, value: next.value }
          : { type: 'unreadable', ...common, value: undefined, error: 'spoilt' }
    return { at: key, known: before !== undefined, bytes: 1, change }
  }
}

function valueOf(found: Found): number | undefined {
  return found?.type === 'value' ? found.value : undefined
}

test('a consumer of any pace ends with what is there, in order, told from what it knew, and what waits is bounded', async () => {
  const property = fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps: Step[]) => {
    const source = new Source()
    const feed = new ChangeFeed<number>(CHANGES_MAX, () => undefined)
    const twin: ViewChange<number>[] = []
    const known = new Map<string, Found>()
    let revision = 0
    let value = 0
    const take = async (): Promise<void> => {
      const { value: change } = await feed.next()
      if (change === undefined) throw new Error('it ended')
      expect(change.revision).toBeGreaterThan(revision)
      revision = change.revision
      expect(change.previous).toBe(valueOf(known.get(change.key)))
      if (change.type === 'put') known.set(change.key, { type: 'value', value: change.value })
      else if (change.type === 'unreadable') known.set(change.key, { type: 'unreadable' })
      else {
        // Of a key that it never heard of it is told nothing.
        expect(known.has(change.key)).toBe(true)
        known.delete(change.key)
      }
      // Whatever was told happened so.
      expect(twin).toContainEqual({ ...change, previous: expect.anything() as unknown })
    }
    const push = (difference: Difference<number> | undefined): void => {
      if (difference === undefined) return
      twin.push({ ...difference.change, previous: difference.change.previous ?? -1 })
      feed.push([difference])
      const bound = new Set([...known.keys(), ...source.state.keys()]).size
      expect(feed.backlog).toBeLessThanOrEqual(Math.max(CHANGES_MAX, bound))
    }
    for (const one of steps) {
      if ('put' in one) push(source.change(one.put, { type: 'value', value: ++value }))
      else if ('spoil' in one) push(source.change(one.spoil, { type: 'unreadable' }))
      else if ('delete' in one) push(source.change(one.delete, undefined))
      else for (let left = Math.min(one.take, feed.backlog); left > 0; left--) await take()
    }
    while (feed.backlog > 0) await take()
    expect(new Map([...known].sort())).toEqual(new Map([...source.state].sort()))
  })
  await fc.assert(property)
})

test('large changes are merged though they are few', () => {
  const source = new Source()
  const feed = new ChangeFeed<number>(Infinity, () => undefined)
  for (let value = 0; value < 10; value++) {
    const difference = source.change('a', { type: 'value', value }) as Difference<number>
    feed.push([{ ...difference, bytes: LIMITS.viewChangesBytesMax / 2 }])
  }
  expect(feed.backlog).toBe(1)
})

test('each change is told while few wait', async () => {
  const source = new Source()
  const feed = new ChangeFeed<number>(CHANGES_MAX, () => undefined)
  const next = [1, 2, 3].map((value) => source.change('a', { type: 'value', value }))
  feed.push(next.filter((difference) => difference !== undefined))
  const told = [await feed.next(), await feed.next(), await feed.next()].map(({ value }) => value?.value)
  expect(told).toEqual([1, 2, 3])
})

test('two who take at once get one change each, and whoever waits hears of the end', async () => {
  const source = new Source()
  let ends = 0
  const feed = new ChangeFeed<number>(CHANGES_MAX, () => ends++)
  const taken = [feed.next(), feed.next(), feed.next()]
  const next = [1, 2].map((value) => source.change('a', { type: 'value', value }))
  feed.push(next.filter((difference) => difference !== undefined))
  expect([(await taken[0])?.value?.value, (await taken[1])?.value?.value]).toEqual([1, 2])
  feed.close()
  feed.close()
  expect(await taken[2]).toEqual({ done: true, value: undefined })
  feed.push([source.change('a', { type: 'value', value: 3 }) as Difference<number>])
  expect([ends, feed.backlog]).toEqual([1, 0])
})

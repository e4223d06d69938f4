/** Delta debugging against what it is for: it finds exactly what is needed, in few tries. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ddmin } from '../../../src/testing/swarm/ddmin.js'

const numbers = fc.uniqueArray(fc.nat(1_000), { minLength: 0, maxLength: 200 })

describe('ddmin', () => {
  test('finds what is needed together, and nothing else', async () => {
    await fc.assert(
      fc.asyncProperty(numbers, fc.array(fc.nat(), { maxLength: 4 }), async (items, places) => {
        const needed = new Set(places.flatMap((place) => (items.length === 0 ? [] : [items[place % items.length]])))
        const kept = await ddmin(items, (some) =>
          Promise.resolve([...needed].every((each) => some.includes(each as number))),
        )
        expect(kept).toEqual(items.filter((each) => needed.has(each)))
      }),
    )
  })

  test('returns something that holds, however odd the condition', async () => {
    await fc.assert(
      fc.asyncProperty(numbers, fc.func(fc.boolean()), async (items, odd) => {
        const holds = (some: readonly number[]): boolean => some.length === items.length || odd(some)
        const kept = await ddmin(items, (some) => Promise.resolve(holds(some)))
        expect(holds(kept)).toBe(true)
      }),
    )
  })

  test('takes a few hundred tries for two of five thousand', async () => {
    let tries = 0
    const items = Array.from({ length: 5_000 }, (_, at) => at)
    const kept = await ddmin(items, (some) => {
      tries++
      return Promise.resolve(some.includes(1_234) && some.includes(4_321))
    })
    expect(kept).toEqual([1_234, 4_321])
    expect(tries).toBeLessThan(300)
  })

  test('stops with what it has when there is no time left', async () => {
    let tries = 0
    const items = Array.from({ length: 100 }, (_, at) => at)
    const kept = await ddmin(items, (some) => Promise.resolve(++tries > 5 ? undefined : some.includes(7)))
    expect(kept.length).toBeLessThan(100)
    expect(kept).toContain(7)
  })
})

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Counter, type Store } from 'quorate'
import { decorated, Stage, unknownOutcome } from './stage.js'

let stage: Stage

beforeEach(async () => {
  stage = await Stage.open()
})
afterEach(() => stage.settle(stage.store.close()))

const counterOf = (store: Store = stage.store): Counter => new Counter(store, 'visits')

describe('a counter', () => {
  it('is 0 until something is added, and says what it comes to', async () => {
    expect(await stage.settle(counterOf().value())).toBe(0)
    expect(await stage.settle(counterOf().add())).toBe(1)
    expect(await stage.settle(counterOf().add(41))).toBe(42)
    expect(await stage.settle(counterOf().add(-50))).toBe(-8)
    expect(await stage.settle(counterOf().value())).toBe(-8)
  })

  it('shows its number to anybody who reads its key', async () => {
    await stage.settle(counterOf().add(7))
    expect(await stage.text('visits/value')).toBe('7')
  })

  it('gives each of many who add at once a number of their own', async () => {
    const all = await stage.settle(Promise.all(Array.from({ length: 20 }, () => counterOf().add())))
    expect([...all].sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, at) => at + 1))
    expect(await stage.settle(counterOf().value())).toBe(20)
  })

  it.each(['before', 'after'] as const)('adds once where answers are lost %s the write', async (when) => {
    let losses = 5
    const faulty = decorated(stage.store, {
      txn: async (...given) => {
        if (losses-- <= 0) return stage.store.txn(...given)
        if (when === 'after') await stage.store.txn(...given)
        throw unknownOutcome()
      },
    })
    expect(await stage.settle(counterOf(faulty).add())).toBe(1)
    expect(await stage.settle(counterOf(faulty).add())).toBe(2)
    expect(await stage.settle(counterOf().value())).toBe(2)
  })

  it('is not added to by a late try, even after somebody removed it', async () => {
    const late: (() => Promise<unknown>)[] = []
    const faulty = decorated(stage.store, {
      txn: (...given) => {
        if (late.length >= 4) return stage.store.txn(...given)
        late.push(() => stage.store.txn(given[0]))
        return Promise.reject(unknownOutcome())
      },
    })
    await stage.settle(counterOf().add(10))
    expect(await stage.settle(counterOf(faulty).add())).toBe(11)
    await stage.settle(stage.store.delete('visits/value'))
    await stage.settle(Promise.all(late.map((each) => each())))
    expect(await stage.settle(counterOf().value())).toBe(0)
  })

  it('says that it is unknown when the time is over', async () => {
    await stage.settle(counterOf().add())
    const faulty = decorated(stage.store, { txn: () => Promise.reject(unknownOutcome()) })
    const error = await stage.failure(counterOf(faulty).add(1, { timeoutMs: 1_000 }))
    expect(error).toMatchObject({ code: 'TIMEOUT', outcome: 'unknown' })
  })

  it('refuses to leave the exact numbers, and to count in a key that holds none', async () => {
    await stage.settle(counterOf().add(Number.MAX_SAFE_INTEGER))
    expect(await stage.failure(counterOf().add())).toMatchObject({ code: 'COUNTER_OVERFLOW', outcome: 'refused' })
    expect(await stage.settle(counterOf().value())).toBe(Number.MAX_SAFE_INTEGER)
    await stage.settle(stage.store.put('visits/value', 'many'))
    expect(await stage.failure(counterOf().add())).toMatchObject({ code: 'NOT_A_COUNTER' })
    expect(await stage.failure(counterOf().value())).toMatchObject({ code: 'NOT_A_COUNTER' })
  })

  it('refuses what is no whole number, no name and no option', async () => {
    await expect(counterOf().add(0.5)).rejects.toThrow(RangeError)
    await expect(counterOf().add(1, { retries: 1 } as never)).rejects.toThrow('retries')
    expect(() => new Counter(stage.store, '')).toThrow(TypeError)
  })
})

import { describe, expect, it } from 'vitest'
import { answeredInOrder } from '../../../src/etcd/server/services/in-order.js'

async function* of(...numbers: number[]): AsyncGenerator<number> {
  yield* numbers
}

async function allOf<T>(answers: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const each of answers) all.push(each)
  return all
}

describe('requests that are answered in order', () => {
  it('are answered as they came, whichever answer is there first', async () => {
    const waiting: (() => void)[] = []
    const answers = answeredInOrder(of(1, 2, 3), 3, async (request) => {
      await new Promise<void>((resolve) => waiting.push(resolve))
      return request * 10
    })
    const all = allOf(answers)
    while (waiting.length < 3) await Promise.resolve()
    for (const resolve of waiting.reverse()) resolve()
    expect(await all).toEqual([10, 20, 30])
  })

  it('are under way so many at a time, and no more', async () => {
    let [underWay, most] = [0, 0]
    const answers = answeredInOrder(of(...Array.from({ length: 50 }, (_, at) => at)), 4, async (request) => {
      most = Math.max(most, ++underWay)
      for (let hop = 0; hop < 20; hop++) await Promise.resolve()
      underWay--
      return request
    })
    expect(await allOf(answers)).toHaveLength(50)
    expect(most).toBe(4)
  })

  it('fail where the answer would have been', async () => {
    const answers = answeredInOrder(of(1, 2, 3), 3, async (request) => {
      if (request === 2) throw new Error('the second')
      return request
    })
    expect(await answers.next()).toEqual({ done: false, value: 1 })
    await expect(answers.next()).rejects.toThrow('the second')
    expect((await answers.next()).done).toBe(true)
  })

  it('fail as the stream of them does, once those before are answered', async () => {
    async function* broken(): AsyncGenerator<number> {
      yield 1
      throw new Error('no request')
    }
    const answers = answeredInOrder(broken(), 3, async (request) => request)
    expect(await answers.next()).toEqual({ done: false, value: 1 })
    await expect(answers.next()).rejects.toThrow('no request')
  })

  it('are taken no more when nobody wants answers', async () => {
    let ended = false
    async function* endless(): AsyncGenerator<number> {
      try {
        for (let at = 0; ; at++) yield at
      } finally {
        ended = true
      }
    }
    const answers = answeredInOrder(endless(), 2, async (request) => request)
    await answers.next()
    await answers.return()
    for (let hop = 0; hop < 20; hop++) await Promise.resolve()
    expect(ended).toBe(true)
  })
})

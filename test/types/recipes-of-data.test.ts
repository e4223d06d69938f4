import { expectTypeOf } from 'vitest'
import { Counter, put, Queue, stm, type KeyValue, type QueueItem, type StmTransaction } from 'quorate'
import { typesOf } from './store-types.js'

typesOf('a transaction in memory resolves with what its work returns', async (store) => {
  const left = await stm(store, async (tx) => {
    expectTypeOf(tx).toEqualTypeOf<StmTransaction>()
    expectTypeOf(await tx.get('a')).toEqualTypeOf<KeyValue | undefined>()
    expectTypeOf(await tx.range({ prefix: 'a/' }, { limit: 1 })).toEqualTypeOf<readonly KeyValue[]>()
    // @ts-expect-error what is put is text or bytes
    tx.put('a', 5)
    return 5
  })
  expectTypeOf(left).toEqualTypeOf<number>()
  expectTypeOf(stm(store, () => 'done', { isolation: 'serializable' })).toEqualTypeOf<Promise<string>>()
  // @ts-expect-error there is no such isolation
  void stm(store, () => undefined, { isolation: 'none' })
})

typesOf('a counter gives numbers, and a queue items', async (store) => {
  expectTypeOf(new Counter(store, 'visits').add()).toEqualTypeOf<Promise<number>>()
  const queue = new Queue(store, 'mails')
  expectTypeOf(queue.add(new Uint8Array(), { id: 'a' })).toEqualTypeOf<Promise<string>>()
  expectTypeOf(queue.take()).toEqualTypeOf<Promise<QueueItem>>()
  expectTypeOf(queue.tryTake()).toEqualTypeOf<Promise<QueueItem | undefined>>()
  for await (const item of queue.items()) {
    expectTypeOf(item.json<{ to: string }>()).toEqualTypeOf<{ to: string }>()
    expectTypeOf(item.complete({ success: [put('sent', '')] })).toEqualTypeOf<Promise<void>>()
    // @ts-expect-error it is completed or not: there is nothing to compare
    void item.complete({ compare: [], success: [] })
  }
})

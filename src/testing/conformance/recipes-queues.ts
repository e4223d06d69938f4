/** Queues: first in, first out; an item is one consumer's at a time, and leaves with what was written for it. */
import { put } from '../../api/operations.js'
import { isStoreError } from '../../base/errors.js'
import { Queue } from '../../recipes/queue/queue.js'
import { blind } from './altered-stores.js'
import { check, equal, rejectsWith } from './check.js'
import type { StoreTests } from './store-tests.js'
import { abortOf } from './waiting.js'

const NAME = 'queues/one'

export const queues: StoreTests = {
  'items leave a queue in the order in which they came, each to one consumer': async (store) => {
    const queue = new Queue(store, NAME)
    for (const value of ['1', '2', '3']) await queue.add(value)
    const first = await queue.take()
    const second = await new Queue(store, NAME).take()
    equal([first.text(), second.text()], ['1', '2'], 'what two consumers got')
    await second.done()
    await first.done()
    const last = await queue.take()
    equal([last.text(), await queue.tryTake()], ['3', undefined], 'the last one, and what is left')
    await last.done()
    equal(await queue.list(), [], 'the queue afterwards')
  },

  'a consumer that waits gets what is added, and its loop ends with its signal': async (store) => {
    const controller = new AbortController()
    const taken: string[] = []
    const consumer = (async () => {
      for await (const item of new Queue(store, NAME).items({ signal: controller.signal })) {
        taken.push(item.text())
        await item.done()
        if (taken.length === 2) controller.abort()
      }
    })()
    await new Queue(store, NAME).add('1')
    await new Queue(store, NAME).add('2')
    await consumer
    equal(taken, ['1', '2'], 'what it got')
  },

  'what is written with the end of an item is written once, by the one whose item it is': async (store) => {
    const queue = new Queue(store, NAME)
    const id = await queue.add('work')
    // One who is not told that its claim has ended, and completes the item all the same.
    const unaware = await new Queue(blind(store), NAME).take()
    const claim = (await queue.list()).find((item) => item.id === id)?.claimedBy
    check(claim !== undefined, 'nobody has claimed it')
    await store.leases.revoke(claim)
    const next = await new Queue(store, NAME).take()
    equal([next.id, next.deliveries], [id, 2], 'the item that comes again')
    await rejectsWith('LOCK_LOST', () => unaware.complete({ success: [put('done', 'first')] }), 'a late completion')
    equal(await store.get('done'), undefined, 'what was written by it')
    await next.complete({ success: [put('done', 'second')] })
    equal((await store.get('done'))?.text(), 'second', 'what was written')
    equal(await queue.list(), [], 'the queue afterwards')
  },

  'whoever works on an item is told when its claim is taken away': async (store) => {
    const queue = new Queue(store, NAME)
    await queue.add('work')
    const item = await queue.take()
    const [listed] = await queue.list()
    check(listed?.claimedBy !== undefined, 'nobody has claimed it')
    await store.leases.revoke(listed.claimedBy)
    const reason = await abortOf(item.signal)
    check(isStoreError(reason, 'LOCK_LOST'), `the signal aborted with ${String(reason)}`)
  },

  'an item that is given back is the first one again': async (store) => {
    const queue = new Queue(store, NAME)
    await queue.add('1')
    await queue.add('2')
    const item = await queue.take()
    await item.release()
    const again = await queue.take()
    equal([again.text(), again.deliveries], ['1', 2], 'the next item')
    await again.done()
  },
}

import { afterEach, beforeEach, expect, it } from 'vitest'
import { Barrier, DoubleBarrier, Election, Mutex, Queue, Scheduler, Semaphore, type Store } from 'quorate'
import { decorated, Stage } from './stage.js'

let stage: Stage
let broken: AbortController

beforeEach(async () => {
  stage = await Stage.open()
  broken = new AbortController()
})
afterEach(() => stage.settle(stage.store.close()))

/** The store, whose watches end by themselves when `broken` aborts, as where a stream breaks that brings events. */
function breaking(): Store {
  return decorated(stage.store, {
    watch: (selection, options = {}) => {
      const signals = [options.signal, broken.signal].filter((signal) => signal !== undefined)
      return stage.store.watch(selection, { ...options, signal: AbortSignal.any(signals) })
    },
  })
}

async function breakWatches(): Promise<void> {
  const before = broken
  broken = new AbortController()
  before.abort()
  await stage.pass(1_000)
}

it.each<[string, (store: Store) => Promise<unknown>, () => Promise<unknown>]>([
  ['a lock', (store) => new Mutex(store, 'x').lock(), () => unlockFirst()],
  ['a permit', (store) => new Semaphore(store, 'x', { permits: 1 }).acquire(), () => unlockFirst()],
  ['a campaign', (store) => new Election(store, 'x').campaign('me', { priority: 1 }), () => unlockFirst()],
  ['a barrier', (store) => new Barrier(store, 'b').wait(), () => new Barrier(stage.store, 'b').release()],
  ['a party', (store) => partyOf(store).enter(), () => partyOf(stage.store).enter()],
  ['an item', (store) => new Queue(store, 'q').take(), () => new Queue(stage.store, 'q').add('')],
])('who waits for %s waits on when its watch ends by itself', async (_, wait, come) => {
  await stage.settle(new Mutex(stage.store, 'x').lock())
  await stage.settle(new Barrier(stage.store, 'b').hold())
  const waits = wait(breaking())
  await stage.pass(1_000)
  await breakWatches()
  await stage.settle(come())
  await stage.settle(waits)
})

it('who holds something holds on when its watch ends by itself, and learns later that it was taken away', async () => {
  const store = breaking()
  await stage.settle(new Queue(store, 'q').add(''))
  const held = [
    await stage.settle(new Mutex(store, 'x').lock()),
    await stage.settle(new Queue(store, 'q').take()),
    await stage.settle(new DoubleBarrier(store, 'd', { parties: 1 }).enter()),
  ]
  await breakWatches()
  expect(held.map(({ signal }) => signal.aborted)).toEqual([false, false, false])
  await stage.settle(stage.store.delete({ all: true }))
  await stage.pass(1_000)
  expect(held.map(({ signal }) => signal.aborted)).toEqual([true, true, true])
})

it('a job is run on when its watch ends by itself', async () => {
  const job = new Scheduler(breaking(), 's').start('j', { everyMs: 1_000, promise: 'at-least-once' }, () => undefined)
  await stage.pass(3_000)
  await breakWatches()
  expect(job.signal.aborted).toBe(false)
  await stage.settle(job.close())
})

const partyOf = (store: Store): DoubleBarrier => new DoubleBarrier(store, 'd', { parties: 2 })

async function unlockFirst(): Promise<void> {
  const [first] = await new Mutex(stage.store, 'x').line()
  await stage.store.delete(first!.key)
}

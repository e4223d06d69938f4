/** What each kind of call does while no call of the store is answered. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  Barrier,
  Counter,
  Mutex,
  Queue,
  Registry,
  RWLock,
  Semaphore,
  StoreError,
  type Store,
  type WaitOptions,
} from 'quorate'
import { decorated, Stage } from './stage.js'

type Call = (store: Store, options?: WaitOptions) => Promise<unknown>

const TRIES: Record<string, Call> = {
  'Mutex.tryLock()': (store, options) => new Mutex(store, 'm').tryLock(options),
  'RWLock.tryReadLock()': (store, options) => new RWLock(store, 'rw').tryReadLock(options),
  'RWLock.tryWriteLock()': (store, options) => new RWLock(store, 'rw').tryWriteLock(options),
  'Semaphore.tryAcquire()': (store, options) => new Semaphore(store, 's', { permits: 1 }).tryAcquire(options),
  'Queue.tryTake()': (store, options) => new Queue(store, 'q').tryTake(options),
  'Registry.instances()': (store, options) => new Registry(store, 'r').instances(options),
}
const WAITS: Record<string, Call> = {
  'Mutex.lock()': (store, options) => new Mutex(store, 'm').lock(options),
  'Queue.add()': (store, options) => new Queue(store, 'q').add('mail', options),
  'Counter.add()': (store, options) => new Counter(store, 'c').add(1, options),
  'Barrier.release()': (store, options) => new Barrier(store, 'b').release(options),
}
/** As long as nobody answers, a call of the store takes so long. */
const DEADLINE_MS = 7_000

let stage: Stage
let answers: boolean
/** The store of a member that is cut off until it `answers`. */
let store: Store

beforeEach(async () => {
  stage = await Stage.open()
  answers = false
  const late = <Result>(call: () => Promise<Result>): Promise<Result> =>
    answers
      ? call()
      : new Promise((_, reject) => {
          stage.environment.timers.after(DEADLINE_MS, () => {
            reject(new StoreError('TIMEOUT', 'no answer', { outcome: 'unknown' }))
          })
        })
  store = decorated(stage.store, {
    get: (...given) => late(() => stage.store.get(...given)),
    range: (...given) => late(() => stage.store.range(...given)),
    txn: (...given) => late(() => stage.store.txn(...given)),
    leases: { grant: (...given) => late(() => stage.store.leases.grant(...given)) },
  })
})
afterEach(() => stage.settle(stage.store.close()))

describe('while no call of the store is answered', () => {
  it.each(Object.entries(TRIES))('%s rejects with the deadline of the store', async (_, call) => {
    expect(await stage.failure(call(store))).toMatchObject({ code: 'TIMEOUT', message: 'no answer' })
    expect(stage.nowMs).toBeLessThan(2 * DEADLINE_MS)
  })

  it.each(Object.entries({ ...TRIES, ...WAITS }))('%s goes on for as long as it was told to', async (_, call) => {
    const done = call(store, { timeoutMs: 60_000 })
    await stage.pass(40_000)
    answers = true
    await stage.settle(done)
    answers = false
    const failure = await stage.failure(call(store, { timeoutMs: 20_000 }))
    expect(failure).toMatchObject({
      code: 'TIMEOUT',
      message: expect.stringContaining('given up after 20000 ms') as string,
    })
  })

  it.each(Object.entries(WAITS))('%s goes on for as long as it takes', async (_, call) => {
    const done = call(store)
    await stage.pass(120_000)
    answers = true
    await stage.settle(done)
  })
})

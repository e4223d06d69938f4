import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { z } from 'zod'
import {
  Barrier,
  CachedView,
  Configuration,
  Counter,
  DoubleBarrier,
  Election,
  Mutex,
  open,
  Queue,
  Registry,
  RWLock,
  Scheduler,
  Semaphore,
  Session,
  stm,
  type Store,
} from 'quorate'
import { Stage } from './stage.js'

let stage: Stage
let store: Store

beforeEach(async () => {
  stage = await Stage.open()
  store = stage.store
})
afterEach(() => stage.settle(stage.store.close()))

/** All that this file makes a recipe with. */
const MAKES: Readonly<Record<string, (store: Store, session: Session | undefined) => unknown>> = {
  Mutex: (store, session) => new Mutex(store, 'x', { session }),
  RWLock: (store, session) => new RWLock(store, 'x', { session }),
  Semaphore: (store, session) => new Semaphore(store, 'x', { permits: 1, session }),
  Election: (store, session) => new Election(store, 'x', { session }),
  DoubleBarrier: (store, session) => new DoubleBarrier(store, 'x', { parties: 1, session }),
  'Barrier.hold()': (store, session) => new Barrier(store, 'x').hold({ session }),
  'Queue.take()': (store, session) => new Queue(store, 'x').take({ session }),
  'Session.open()': (store) => Session.open(store, { ttlMs: 1_000 }),
  Counter: (store) => new Counter(store, 'x'),
  'stm()': (store) => stm(store, () => 1),
  Registry: (store) => new Registry(store, 'x'),
  Scheduler: (store) => new Scheduler(store, 'x'),
  'CachedView.open()': (store) => CachedView.open(store, 'x'),
  'Configuration.open()': (store) => Configuration.open(store, 'x', { schema: z.number() }),
}
const WITH_SESSION = Object.keys(MAKES).slice(0, 7)

describe('what is no store', () => {
  it.each(Object.keys(MAKES))('is refused by %s, which says so', async (name) => {
    for (const none of [undefined, null, {}, Promise.resolve(store)] as unknown as Store[]) {
      await expect(async () => MAKES[name]?.(none, undefined)).rejects.toThrow(
        /^store must be a store, as open\(\) res/,
      )
    }
  })
})

describe('a session of another cluster', () => {
  it.each(WITH_SESSION)('is refused by %s, and stands', async (name) => {
    const other = await open({ name: 'other', environment: { ...stage.environment } })
    await stage.settle(other.ready())
    const session = await stage.settle(Session.open(other, { ttlMs: 1_000 }))
    const making = stage.settle(Promise.resolve().then(() => MAKES[name]?.(store, session)))
    await expect(making).rejects.toThrow('session must be one of the same store')
    expect(session.signal.aborted).toBe(false)
    await stage.settle(other.close())
  })

  it('is none where it is of a namespace of the same one', async () => {
    const session = await stage.settle(Session.open(store, { ttlMs: 1_000 }))
    await stage.settle(new Mutex(store.namespace('n/'), 'x', { session }).lock())
    expect(await stage.keys()).toEqual([`n/x/${session.lease.toString(16)}-1`])
  })
})

describe('what is no function', () => {
  it.each([
    ['withLock()', () => new Mutex(store, 'x').withLock(undefined as never)],
    ['withPermit()', () => new Semaphore(store, 'x', { permits: 1 }).withPermit(5 as never)],
    ['withReadLock()', () => new RWLock(store, 'x').withReadLock(null as never)],
    ['withWriteLock()', () => new RWLock(store, 'x').withWriteLock({} as never)],
  ])('is refused by %s before it waits', async (what, call) => {
    await stage.settle(new Mutex(store, 'x').lock())
    await expect(call()).rejects.toThrow(`${what} takes a function, not`)
  })
})

it.each(['1', 10n, null])('a counter refuses to add %o, of another type', async (delta) => {
  await expect(new Counter(store, 'x').add(delta as never)).rejects.toThrow(/^a counter takes a number, not/)
})

it.each(['3', null])('a queue refuses %o as a limit', async (limit) => {
  await expect(new Queue(store, 'x').list({ limit: limit as never })).rejects.toThrow(/^limit must be a number, not/)
})

it('a view refuses what is no number', async () => {
  const view = await stage.settle(CachedView.open(store, { prefix: 'x' }))
  for (const none of [null, '5'] as never[]) {
    expect(() => view.get('x', { staleMsMax: none })).toThrow(/^staleMsMax must be a number, not/)
    await expect(view.includes(none)).rejects.toThrow(/^revision must be a number, not/)
    expect(() => view.changes({ backlogMax: none })).toThrow(/^backlogMax must be a number, not/)
    await expect(CachedView.open(store, 'x', { keysMax: none })).rejects.toThrow(/^keysMax must be a number, not/)
  }
  await stage.settle(view.close())
})

it('one signal may be given to everything that waits', async () => {
  const warned = vi.spyOn(process, 'emitWarning')
  const end = new AbortController()
  const { signal } = end
  await stage.settle(new Election(store, 'x').campaign('x'))
  const waits = Array.from({ length: 5 }, (_, number) => [
    new Election(store, 'x').campaign('y', { signal }),
    new Queue(store, `q${number}`).take({ signal }),
    new Mutex(store, 'x').lock({ signal }),
  ]).flat()
  const watches = Array.from({ length: 12 }, (_, number) =>
    store.namespace(`${number}/`).watch({ all: true }, { signal }),
  )
  const loops = watches.map(async (watch) => {
    for await (const event of watch) expect(event).toBeUndefined()
  })
  await stage.pass(100)
  end.abort()
  const settled = await stage.settle(Promise.allSettled([...waits, ...loops]))
  expect(settled.map(({ status }) => status)).toEqual([...waits.map(() => 'rejected'), ...loops.map(() => 'fulfilled')])
  expect(warned).not.toHaveBeenCalled()
})

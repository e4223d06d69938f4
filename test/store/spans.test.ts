/** Spans through node:diagnostics_channel: what each tells and when, whose it is, and that it harms nobody. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { tracingChannel, type TracingChannelSubscribers } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { compare, Election, get, Mutex, open, put, txn, type ProposeSpan, type SpanChannel, type Spans } from 'quorate'
import { drainMicrotasks } from '../../src/runtime/event-loop.js'
import { Stage } from '../recipes/stage.js'

type Name = keyof Spans
type Moment = 'start' | 'end' | 'asyncStart' | 'asyncEnd' | 'error'
const MOMENTS: readonly Moment[] = ['start', 'end', 'asyncStart', 'asyncEnd', 'error']

interface Told {
  readonly moment: Moment
  /** As it was then. */
  readonly span: Readonly<Record<string, unknown>>
}

let stops: (() => void)[] = []
let stage: Stage

beforeEach(async () => {
  stage = await Stage.open()
})

afterEach(async () => {
  for (const stop of stops) stop()
  stops = []
  await stage.settle(stage.store.close())
})

function subscribe(name: Name, handlers: Partial<TracingChannelSubscribers<object>>): void {
  const channel = tracingChannel<unknown, object>(`quorate:${name}`)
  const all = { ...nothing(), ...handlers }
  channel.subscribe(all)
  stops.push(() => channel.unsubscribe(all))
}

function nothing(): TracingChannelSubscribers<object> {
  return Object.fromEntries(
    MOMENTS.map((moment) => [moment, () => undefined]),
  ) as unknown as TracingChannelSubscribers<object>
}

/** What is told on a channel from now on. */
function listen(name: Name): Told[] {
  const told: Told[] = []
  const handler = (moment: Moment) => (span: object) => {
    told.push({ moment, span: { ...span } })
  }
  subscribe(name, Object.fromEntries(MOMENTS.map((moment) => [moment, handler(moment)])))
  return told
}

const momentsOf = (told: readonly Told[]): Moment[] => told.map(({ moment }) => moment)

describe('propose', () => {
  test('a write is told with its kind and size, and at its end with the revision', async () => {
    const told = listen('propose')
    await stage.settle(stage.store.put('key', 'value'))
    expect(momentsOf(told)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'])
    expect(told[0]?.span).toEqual({ member: 'default', kind: 'put', operations: 1, bytes: 8 })
    expect(told[3]?.span).toEqual({ ...told[0]?.span, outcome: 'ok', revision: 2 })
  })

  test('of a transaction all operations count, in both branches and inside', async () => {
    const told = listen('propose')
    const inner = { compare: [compare('k').missing()], success: [put('k', '12')], failure: [get('k')] }
    await stage.settle(stage.store.txn({ ...inner, success: [put('j', '123'), txn(inner)] }))
    expect(told[0]?.span).toMatchObject({ kind: 'transaction', operations: 4 })
    expect(told[0]?.span['bytes']).toBe(1 + 4 + (1 + 3 + 1) + 1)
  })

  test('one that is refused ends with the code and the error that the caller gets', async () => {
    const told = listen('propose')
    const error = await stage.failure(stage.store.put('key', 'value', { lease: 404n }))
    expect(momentsOf(told)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
    expect(told[4]?.span).toMatchObject({ outcome: 'refused', code: 'LEASE_NOT_FOUND', error })
  })

  test('one whose outcome is unknown says so', async () => {
    const told = listen('propose')
    const controller = new AbortController()
    const { signal } = controller
    const put = stage.failure(stage.store.put('key', 'value', { signal }))
    // It is in the log, and not yet on the disk.
    stage.environment.timers.after(0, () => controller.abort())
    await put
    expect(told.at(-1)?.span).toMatchObject({ outcome: 'unknown', code: 'ABORTED' })
  })
})

describe('read', () => {
  test('a read is told with what it selects, and at its end with how much was found', async () => {
    await stage.settle(stage.store.txn({ success: [put('a/1', 'x'), put('a/2', 'y'), put('b', 'z')] }))
    const told = listen('read')
    await stage.settle(stage.store.range({ prefix: 'a/' }, { limit: 1 }))
    expect(momentsOf(told)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'])
    expect(told[0]?.span).toEqual({ member: 'default', selection: 'prefix', consistency: 'linearizable' })
    expect(told[3]?.span).toEqual({ ...told[0]?.span, items: 1, count: 2, revision: 2 })
    await stage.settle(stage.store.get('b', { consistency: 'local' }))
    await stage.settle(stage.store.range({ from: 'a', to: 'c' }))
    await stage.settle(stage.store.range({ all: true }))
    const starts = told.filter(({ moment }) => moment === 'start').map(({ span }) => span)
    expect(starts.slice(1)).toEqual([
      { member: 'default', selection: 'key', consistency: 'local' },
      { member: 'default', selection: 'range', consistency: 'linearizable' },
      { member: 'default', selection: 'all', consistency: 'linearizable' },
    ])
  })

  test('one that fails ends with its code', async () => {
    const told = listen('read')
    const error = await stage.failure(stage.store.get('a', { revision: 99 }))
    expect(momentsOf(told)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
    expect(told.at(-1)?.span).toMatchObject({ code: 'FUTURE_REVISION', error })
  })
})

describe('apply', () => {
  test('each command that is applied is told, within a start and an end', async () => {
    const told = listen('apply')
    await stage.settle(stage.store.put('key', 'value'))
    await stage.failure(stage.store.put('key', 'value', { lease: 404n }))
    expect(momentsOf(told)).toEqual(['start', 'end', 'start', 'end'])
    const [first, , , last] = told.map(({ span }) => span)
    expect(first).toEqual({ member: 'default', index: expect.any(Number) as number, term: 1 })
    expect(told[1]?.span).toEqual({ ...first, kind: 'put', events: 1, revision: 2 })
    expect(last).toMatchObject({ index: Number(first?.['index']) + 1, code: 'LEASE_NOT_FOUND', events: 0, revision: 2 })
    expect(last).not.toHaveProperty('kind')
  })

  test('it belongs to no call, not even to the one that brought it about', async () => {
    const { store } = stage
    const request = new AsyncLocalStorage<string>()
    const seen: Record<string, unknown> = {}
    subscribe('propose', { start: () => (seen['propose'] = request.getStore()) })
    subscribe('apply', { start: () => (seen['apply'] = request.getStore()) })
    await request.run('of a request', () => stage.settle(store.put('key', 'value')))
    expect(seen).toEqual({ propose: 'of a request', apply: undefined })
  })
})

describe('watch', () => {
  test('a watch is told when it is opened and when it is closed, with how many events its consumer took', async () => {
    const told = listen('watch')
    const watch = stage.store.watch({ prefix: 'a/' }, { startRevision: 2 })
    expect(momentsOf(told)).toEqual(['start', 'end'])
    expect(told[0]?.span).toEqual({ member: 'default', selection: 'prefix', startRevision: 2, events: 0 })
    await stage.settle(stage.store.txn({ success: [put('a/1', 'x'), put('a/2', 'y'), put('b', 'z')] }))
    const iterator = watch[Symbol.asyncIterator]()
    await stage.settle(iterator.next())
    await stage.settle(watch.close())
    expect(momentsOf(told)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'])
    expect(told[3]?.span).toEqual({ ...told[0]?.span, events: 2, revision: 2, code: undefined })
  })

  test('one that fails says of what', async () => {
    await stage.settle(stage.store.put('a', '1'))
    await stage.settle(stage.store.put('a', '2'))
    await stage.settle(stage.store.compact(3))
    const told = listen('watch')
    const watch = stage.store.watch('a', { startRevision: 2 })
    await stage.failure(watch[Symbol.asyncIterator]().next())
    expect(momentsOf(told)).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
    expect(told.at(-1)?.span).toMatchObject({ code: 'COMPACTED', events: 0 })
  })
})

describe('lock', () => {
  test('a lock is told while it is waited for, when it is held, and when it is given back', async () => {
    const { store } = stage
    const told = listen('lock')
    const first = await stage.settle(new Mutex(store, 'jobs').lock())
    const waiting = new Mutex(store, 'jobs').lock()
    await stage.pass(100)
    expect(told.map(({ moment, span }) => `${moment} ${String(span['state'])}`)).toEqual([
      ...['start waiting', 'end waiting', 'asyncStart held'],
      ...['start waiting', 'end waiting'],
    ])
    expect(told[2]?.span).toEqual({ name: 'jobs', state: 'held', token: first.token })
    const unlocked = first.unlock()
    expect(told.at(-1)).toEqual({ moment: 'asyncEnd', span: { name: 'jobs', state: 'released', token: first.token } })
    const second = await stage.settle(waiting)
    await stage.settle(unlocked)
    expect(told.at(-1)).toEqual({ moment: 'asyncStart', span: { name: 'jobs', state: 'held', token: second.token } })
    await stage.settle(second.unlock())
  })

  test('one that is lost says why, and is over once', async () => {
    const told = listen('lock')
    const lock = await stage.settle(new Mutex(stage.store, 'jobs').lock())
    await stage.settle(stage.store.delete(lock.key))
    await stage.pass(100)
    await stage.settle(lock.unlock())
    expect(momentsOf(told)).toEqual(['start', 'end', 'asyncStart', 'error', 'asyncEnd'])
    expect(told.at(-1)?.span).toMatchObject({ state: 'lost', code: 'LOCK_LOST', error: lock.signal.reason as unknown })
  })

  test('who gives up, and who asks whether it is free and it is not, is told to have given up', async () => {
    const { store } = stage
    const lock = await stage.settle(new Mutex(store, 'jobs').lock())
    const told = listen('lock')
    expect(await stage.settle(new Mutex(store, 'jobs').tryLock())).toBeUndefined()
    expect(momentsOf(told)).toEqual(['start', 'end', 'asyncStart', 'asyncEnd'])
    expect(told.at(-1)?.span).toEqual({ name: 'jobs', state: 'given-up' })
    const error = await stage.failure(new Mutex(store, 'jobs').lock({ timeoutMs: 100 }))
    expect(momentsOf(told.slice(4))).toEqual(['start', 'end', 'error', 'asyncStart', 'asyncEnd'])
    expect(told.at(-1)?.span).toEqual({ name: 'jobs', state: 'given-up', code: 'TIMEOUT', error })
    await stage.settle(lock.unlock())
  })

  test('what a lock writes and reads while it is waited for lies within its span', async () => {
    const current = new AsyncLocalStorage<object>()
    const { start } = tracingChannel<object, object>('quorate:lock')
    start.bindStore(current)
    stops.push(() => start.unbindStore(current))
    const within: unknown[] = []
    subscribe('propose', { start: (span) => within.push([(span as ProposeSpan).kind, current.getStore()]) })
    const lock = await stage.settle(new Mutex(stage.store, 'jobs').lock())
    const span = expect.objectContaining({ name: 'jobs', state: 'held' }) as unknown
    expect(within).toEqual([
      ['lease-grant', span],
      ['transaction', span],
    ])
    expect(current.getStore()).toBeUndefined()
    await stage.settle(lock.unlock())
  })
})

describe('election', () => {
  test('a candidate is told while it waits, leads, and resigns', async () => {
    const [told, locks] = [listen('election'), listen('lock')]
    const leadership = await stage.settle(new Election(stage.store, 'leader').campaign('a', { priority: 2 }))
    await stage.settle(leadership.resign())
    expect(told.map(({ moment, span }) => `${moment} ${String(span['state'])}`)).toEqual([
      ...['start waiting', 'end waiting', 'asyncStart held', 'asyncEnd released'],
    ])
    expect(told.at(-1)?.span).toEqual({ name: 'leader', state: 'released', token: leadership.token })
    expect(locks).toEqual([])
  })

  test('one that is told to stop leads until its work has ended', async () => {
    const told = listen('election')
    const controller = new AbortController()
    let end = (): void => undefined
    const work = new Promise<void>((resolve) => (end = resolve))
    const leading = new Election(stage.store, 'leader').leaderWhile(() => work, { signal: controller.signal })
    const failing = stage.failure(leading)
    await stage.pass(1_000)
    controller.abort()
    await stage.pass(1_000)
    expect(momentsOf(told)).toEqual(['start', 'end', 'asyncStart'])
    end()
    expect((await failing).code).toBe('ABORTED')
    expect(told.at(-1)).toMatchObject({ moment: 'asyncEnd', span: { state: 'released' } })
  })
})

test('what a call does within a span is its own: the caller has its surroundings back afterwards', async () => {
  const { store } = stage
  const current = new AsyncLocalStorage<object>()
  const { start } = tracingChannel<object, object>('quorate:propose')
  start.bindStore(current)
  stops.push(() => start.unbindStore(current))
  const outer = { request: 1 }
  await current.run(outer, async () => {
    await stage.settle(Promise.all([store.put('a', '1'), store.put('b', '2')]))
    expect(current.getStore()).toBe(outer)
  })
})

test('neither keys nor values of the data are told on any channel', async () => {
  const told = (['propose', 'read', 'apply', 'watch'] as const).map(listen)
  const { store } = stage
  const watch = store.watch('private-key')
  await stage.settle(store.put('private-key', 'private-value'))
  await stage.settle(watch[Symbol.asyncIterator]().next())
  await stage.settle(
    store.txn({ compare: [compare('private-key').value('=', 'private-value')], success: [get('private-key')] }),
  )
  await stage.settle(store.range({ prefix: 'private-' }))
  await stage.settle(watch.close())
  expect(told.flat().length).toBeGreaterThan(12)
  expect(inspect(told, { depth: 9 })).not.toContain('private')
})

test('a subscriber that throws harms neither the call nor the store: Node reports it as an uncaught exception', async () => {
  const reported: unknown[] = []
  process.setUncaughtExceptionCaptureCallback((error) => reported.push(error))
  stops.push(() => {
    process.setUncaughtExceptionCaptureCallback(null)
  })
  const broken = new Error('a subscriber is broken')
  const moments = Object.fromEntries(
    MOMENTS.map((moment) => [
      moment,
      () => {
        throw broken
      },
    ]),
  )
  for (const name of ['propose', 'read', 'apply', 'watch'] as const) subscribe(name, moments)
  const { store } = stage
  const watch = store.watch('key')
  expect(await stage.settle(store.put('key', 'value'))).toMatchObject({ revision: 2 })
  expect((await stage.settle(store.get('key')))?.text()).toBe('value')
  expect(await stage.settle(watch[Symbol.asyncIterator]().next())).toMatchObject({ done: false })
  expect((await stage.failure(store.put('key', 'value', { lease: 404n }))).code).toBe('LEASE_NOT_FOUND')
  await stage.settle(watch.close())
  await drainMicrotasks()
  expect(new Set(reported)).toEqual(new Set([broken]))
  expect(store.health().ready).toBe(true)
})

test('while nobody listens, nothing is told to a port of the user, and nothing is built for it', async () => {
  let asked = 0
  const never = (): never => {
    throw new Error('nobody listens')
  }
  const channel: SpanChannel<object> = {
    get hasSubscribers() {
      asked++
      return false
    },
    ...{ run: never, failed: never, asyncStart: never, asyncEnd: never },
  }
  const spans: Spans = {
    ...{ propose: channel, read: channel, apply: channel },
    watch: channel,
    lock: channel,
    election: channel,
  }
  const store = await open({ environment: { ...stage.environment, spans } })
  const watch = store.watch('key')
  await stage.settle(store.put('key', 'value'))
  await stage.settle(store.get('key'))
  await stage.settle(watch.close())
  await stage.settle(store.close())
  // Once for each: the watch, the write where it is asked for and where it is applied, the read.
  expect(asked).toBe(4)
})

test('a port for spans that is none is refused', async () => {
  const spans = { propose: {} } as unknown as Spans
  await expect(open({ environment: { ...stage.environment, spans } })).rejects.toThrow(/environment\.spans\.propose/)
})

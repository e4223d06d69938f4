/** Namespaces by example; test/store/conformance.test.ts shows that one is a Store like any other. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  compare,
  del,
  get,
  LIMITS,
  Mutex,
  open,
  put,
  Session,
  txn,
  type Selection,
  type Store,
  type WatchEvent,
} from 'quorate'
import { isStoreError } from '../../src/base/errors.js'

let store: Store
let tenant: Store
/** Right before, right behind and around what is inside. */
const AROUND = ['t', 't.', 't/', 't0', 'a', 'u/1']

beforeEach(async () => {
  store = await open()
  tenant = store.namespace('t/')
  await store.txn({ success: AROUND.map((key) => put(key, 'around')) })
})
afterEach(() => store.close())

const keysIn = async (of: Store, selection: Selection = { all: true }): Promise<string[]> =>
  (await of.range(selection)).items.map(({ key }) => key)

async function codeOf(call: Promise<unknown> | (() => unknown)): Promise<string> {
  try {
    await (typeof call === 'function' ? call() : call)
  } catch (error) {
    return isStoreError(error) ? error.code : String(error)
  }
  return 'done'
}

async function messageOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'done',
    (error: Error) => error.message,
  )
}

async function take(watch: AsyncIterable<WatchEvent>, count: number): Promise<WatchEvent[]> {
  const events: WatchEvent[] = []
  for await (const event of watch) if (events.push(event) === count) break
  return events
}

describe('a namespace', () => {
  test('puts its keys behind its prefix, and shows them without', async () => {
    await tenant.put('name', 'ACME')
    expect((await store.get('t/name'))?.text()).toBe('ACME')
    expect(await tenant.get('name')).toMatchObject({ key: 'name', version: 1 })
    expect((await tenant.put('name', 'x', { previous: true })).previous).toMatchObject({ key: 'name' })
    expect((await tenant.delete('name', { previous: true })).previous).toMatchObject([{ key: 'name' }])
  })

  test.each<[string, Selection]>([
    ['everything', { all: true }],
    ['the empty prefix', { prefix: '' }],
    ['from a key on', { from: '\0' }],
    ['from nothing on', { from: '' }],
    ['to behind every key', { from: '', to: Uint8Array.of(0xff, 0xff, 0xff) }],
  ])('of which %s is selected deletes nothing around it', async (_what, selection) => {
    for (const key of ['a', 'b', 'c']) await tenant.put(key, 'x')
    expect(await keysIn(tenant, selection)).toEqual(['a', 'b', 'c'])
    expect((await tenant.delete(selection)).deleted).toBe(3)
    expect(await keysIn(store)).toEqual([...AROUND].sort())
  })

  test.each([[[0xff]], [[0xff, 0xff]], [[0x61, 0xff]], [[0]], [[0, 0]]])(
    'whose prefix has the bytes %j ends where its prefix ends',
    async (bytes) => {
      const odd = store.namespace(Uint8Array.from(bytes))
      const around = [bytes, bytes.slice(0, -1), [...bytes.slice(0, -1), 1], [0x62]].filter(({ length }) => length > 0)
      for (const key of around) await store.put(Uint8Array.from(key), 'around')
      const before = (await store.range({ all: true })).count
      for (const key of [Uint8Array.of(0), 'a', Uint8Array.of(0xff), Uint8Array.of(0xff, 0xff)]) await odd.put(key, 'x')
      for (const selection of [{ all: true }, { from: '' }, { prefix: '' }] as const) {
        expect((await odd.range(selection)).count).toBe(4)
      }
      expect((await odd.range({ prefix: Uint8Array.of(0xff) })).count).toBe(2)
      expect((await odd.range({ from: Uint8Array.of(0xff) })).count).toBe(2)
      expect((await odd.delete({ all: true })).deleted).toBe(4)
      expect((await store.range({ all: true })).count).toBe(before)
    },
  )

  test('has transactions whose compares, operations and results are inside it, nested ones too', async () => {
    const write = put('a', 'mine', { previous: true })
    const given = {
      compare: [compare({ all: true }).value('=', 'never'), compare('t').missing()],
      success: [write, get({ all: true }), txn({ success: [del({ from: 'b' }, { previous: true })] })],
      failure: [txn({ compare: [compare('b').exists()], success: [get({ from: '' }), write] })],
    } as const
    await tenant.put('b', 'other')
    const failed = await tenant.txn(given)
    expect(failed).toMatchObject({ succeeded: false, results: [{ succeeded: true }] })
    if (failed.succeeded || !failed.results[0].succeeded) throw new Error('unreachable')
    expect(failed.results[0].results[0].items).toMatchObject([{ key: 'b' }])
    await tenant.delete({ all: true })
    await tenant.put('c', 'never')
    const done = await tenant.txn(given)
    if (!done.succeeded || !done.results[2].succeeded) throw new Error('a branch was not done')
    expect(done.results[0].previous).toBeUndefined()
    expect(done.results[1].items).toMatchObject([{ key: 'a' }, { key: 'c' }])
    expect(done.results[2].results[0].previous).toMatchObject([{ key: 'c' }])
    // What was made for it may be used elsewhere, too: nothing of it was changed.
    await store.txn({ success: [write] })
    expect((await store.get('a'))?.text()).toBe('mine')
  })

  test('is watched to its end and no further', async () => {
    const watches = [{ all: true }, { from: '' }, { prefix: '' }] as const
    const events = watches.map((selection) => take(tenant.watch(selection, { previous: true }), 3))
    for (const key of ['t/a', 't0', 'u', 't/', 't/b']) await store.put(key, 'x')
    await store.delete({ prefix: 't' })
    for (const seen of await Promise.all(events)) {
      expect(seen).toMatchObject([
        { type: 'put', key: 'a', keyValue: { key: 'a' } },
        { type: 'put', key: 'b' },
        { type: 'delete', key: 'a', keyValue: { key: 'a' }, previous: { key: 'a' } },
      ])
    }
  })

  test('stands inside another one', async () => {
    const inner = tenant.namespace('jobs/')
    await inner.put('1', 'x')
    expect(await keysIn(tenant)).toEqual(['jobs/1'])
    expect(await keysIn(store, { prefix: 't/' })).toEqual(['t/', 't/jobs/1'])
    await tenant.close()
    expect(await codeOf(inner.get('1'))).toBe('CLOSED')
  })

  test('lists of a lease the keys that are inside', async () => {
    const { id } = await tenant.leases.grant({ ttlMs: 60_000 })
    await tenant.put('a', 'x', { lease: id })
    await store.put('outside', 'x', { lease: id })
    expect((await tenant.leases.timeToLive(id, { keys: true }))?.keys).toMatchObject([{ key: 'a' }])
    expect((await tenant.leases.timeToLive(id))?.keys).toBeUndefined()
  })

  test('counts what is inside, and sets and lists the quotas of prefixes inside', async () => {
    await tenant.put('a', '12345')
    expect(await tenant.maintenance.statistics({ all: true })).toMatchObject({ keys: 1, bytes: 6 })
    await store.maintenance.setPrefixQuota('t', { keysMax: 100 })
    await store.maintenance.setPrefixQuota('other/', { keysMax: 100 })
    await tenant.maintenance.setPrefixQuota('', { keysMax: 9 })
    await tenant.maintenance.setPrefixQuota('b/', { keysMax: 1 })
    const listed = (await tenant.maintenance.prefixQuotas()).map(({ prefix, keysMax }) => [
      Buffer.from(prefix).toString(),
      keysMax,
    ])
    expect(listed).toEqual([
      ['', 9],
      ['b/', 1],
    ])
    await tenant.put('b/1', '')
    expect(await messageOf(tenant.put('b/2', ''))).toContain("under the prefix 'b/',")
    await tenant.maintenance.setPrefixQuota('b/', undefined)
    expect(await store.maintenance.prefixQuotas()).toHaveLength(3)
  })

  test('has locks that do not disturb those of the same name elsewhere', async () => {
    const locks = [tenant, store.namespace('u/'), tenant.namespace('u/')].map((each) => new Mutex(each, 'import'))
    const held = await Promise.all(locks.map((lock) => lock.lock({ timeoutMs: 5_000 })))
    expect(held.map(({ signal }) => signal.aborted)).toEqual([false, false, false])
    expect(await new Mutex(tenant, 'import').tryLock()).toBeUndefined()
    for (const lock of held) await lock.unlock()
  })

  test('names keys in errors as they are inside', async () => {
    expect(await messageOf(tenant.put('a', '', { ignoreLease: true }))).toMatch(/^'a' does not exist/)
    expect(await messageOf(tenant.txn({ success: [put('a', '1'), del('a')] }))).toMatch(/^'a' /)
    const outside = await messageOf(store.txn({ success: [put('t/a', '1'), del('t/a')] }))
    expect(outside).toMatch(/^'t\/a' /)
  })

  test('says how much of a key that is too long is its own', async () => {
    const bytes = LIMITS.keyBytesMax
    await tenant.put('x'.repeat(bytes - 2), '')
    const refused = tenant.put('x'.repeat(bytes - 1), '')
    expect(await messageOf(refused)).toContain(
      `has ${bytes + 1} bytes, 2 of them those of its namespace; at most ${bytes}`,
    )
    expect(await codeOf(refused)).toBe('REQUEST_TOO_LARGE')
  })

  test('refuses transactions that stand too deep inside each other', async () => {
    let deep = txn({})
    for (let depth = 0; depth < 20_000; depth++) deep = txn({ success: [deep] }) as unknown as typeof deep
    expect(await codeOf(tenant.txn(deep))).toBe('TOO_MANY_OPERATIONS')
  })

  test('has a prefix', () => {
    expect(() => store.namespace('')).toThrow(TypeError)
    expect(() => tenant.namespace(new Uint8Array(0))).toThrow(TypeError)
    expect(() => store.namespace(undefined as never)).toThrow(TypeError)
    expect(() => store.namespace({ prefix: 'a' } as never)).toThrow(TypeError)
    expect(() => store.namespace('x'.repeat(LIMITS.keyBytesMax))).toThrow(RangeError)
    expect(() => tenant.namespace('x'.repeat(LIMITS.keyBytesMax - 2))).toThrow(RangeError)
  })
})

describe('a namespace that is closed', () => {
  test('ends its watches, refuses calls of every kind, and leaves the store alone', async () => {
    const inner = tenant.namespace('jobs/')
    const handle = tenant.as('anonymous')
    const watches = [tenant, inner, handle].map((of) => of.watch({ all: true })[Symbol.asyncIterator]().next())
    const other = store.namespace('t/').watch({ all: true })[Symbol.asyncIterator]().next()
    const underWay = tenant.put('a', 'x')
    await tenant.close()
    await tenant[Symbol.asyncDispose]()
    expect(await codeOf(underWay)).toBe('done')
    for (const watch of watches) expect(await watch).toEqual({ done: true, value: undefined })
    for (const of of [tenant, inner, handle]) {
      const calls: readonly (() => unknown)[] = [
        ...[() => of.put('a', 'x'), () => of.get('a'), () => of.range('a'), () => of.delete('a'), () => of.txn({})],
        ...[() => of.watch('a'), () => of.compact(2), () => of.ready(), () => of.leases.list()],
        ...[() => of.leases.timeToLive(1n), () => of.maintenance.hash(), () => of.maintenance.statistics('a')],
        ...[() => of.maintenance.setPrefixQuota('a', undefined), () => of.maintenance.prefixQuotas()],
        ...[() => of.maintenance.snapshot(), () => of.auth.status(), () => of.auth.users.list()],
        ...[() => of.auth.roles.list(), () => of.cluster.list()],
      ]
      for (const call of calls) expect(await codeOf(call)).toBe('CLOSED')
    }
    expect(tenant.status().role).toBe('leader')
    await store.put('t/b', 'x')
    expect(await other).toMatchObject({ value: { key: 'a' } })
  })

  test('ends with the handle it was made of, and with the store', async () => {
    const handle = store.as('anonymous')
    const [ofHandle, ofStore] = [handle.namespace('t/'), store.namespace('t/')]
    const watching = ofHandle.watch('a')[Symbol.asyncIterator]().next()
    await handle.close()
    expect(await watching).toEqual({ done: true, value: undefined })
    expect(await codeOf(ofHandle.get('a'))).toBe('CLOSED')
    expect(await codeOf(ofStore.get('a'))).toBe('done')
    await store.close()
    expect(await codeOf(ofStore.get('a'))).toBe('CLOSED')
  })

  test('tells it once, and so does one whose store is closed: sessions end with it', async () => {
    const told: string[] = []
    const handle = store.as('anonymous')
    const handles = { store, handle, inner: tenant.namespace('jobs/'), ofHandle: handle.namespace('t/') }
    for (const [name, of] of Object.entries(handles)) of.on('closed', () => void told.push(name))
    handle.on('closed', () => {
      throw new Error('of a listener')
    })
    tenant.on('closed', () => void told.push('called off'))()
    const [session, other] = await Promise.all([tenant, store].map((of) => Session.open(of, { ttlMs: 60_000 })))
    await tenant.close()
    expect(told).toEqual(['inner'])
    expect(session?.signal.aborted).toBe(true)
    await handle.close()
    await store.put('a', 'x')
    expect(told.sort()).toEqual(['handle', 'inner', 'ofHandle'])
    expect(other?.signal.aborted).toBe(false)
    await store.close()
    expect(told.sort()).toEqual(['handle', 'inner', 'ofHandle', 'store'])
  })

  test('is one of many that listen to one signal, of which Node does not warn', async () => {
    const warnings: Error[] = []
    const onWarning = (warning: Error): void => void warnings.push(warning)
    process.on('warning', onWarning)
    const { signal } = new AbortController()
    const watches = Array.from({ length: 20 }, (_, at) =>
      (at % 2 === 0 ? store : store.as('anonymous')).namespace(`${at}/`).watch('a', { signal }),
    )
    await store.put('a', 'x')
    process.off('warning', onWarning)
    expect(warnings).toEqual([])
    await Promise.all(watches.map((watch) => watch.close()))
  })

  test('listens to no signal any more', async () => {
    const controller = new AbortController()
    const watches = Array.from({ length: 20 }, () => tenant.watch('a', { signal: controller.signal }))
    controller.abort()
    for (const watch of watches) expect((await watch[Symbol.asyncIterator]().next()).done).toBe(true)
    await tenant.close()
  })
})

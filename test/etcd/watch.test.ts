/** Watches as etcd's clients see them. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { del, put } from '../../src/api/operations.js'
import type { Store } from '../../src/api/store.js'
import { WatchCreateRequest_FilterType as FilterType } from '../../src/etcd/generated/rpc.js'
import { LIMITS } from '../../src/base/limits.js'
import { serve, type Served } from './served.js'
import { shortOf, Watching } from './watching.js'

let served: Served
let store: Store
let watching: Watching
/** Before each test; the test writes keys of its own. */
let at: number

beforeAll(async () => {
  served = await serve({ watchProgressNotifyIntervalMs: 100 })
  store = served.store
})
afterAll(() => served.close())
beforeEach(() => {
  watching = new Watching(served.client)
  at = store.status().revision
})
afterEach(() => watching.end())

/** Open on the member. */
const watches = (): number => store.telemetry.gauges()?.watches ?? 0

/** Shows that nothing was said before: requests are answered in their order. */
async function nothingElse(): Promise<void> {
  watching.ask('', { watch_id: 999n })
  expect(await watching.short()).toMatch(/^999 @\d+ created$/)
  watching.cancel(999)
  expect(await watching.short()).toMatch(/^999 @\d+ canceled$/)
}

describe('creating a watch', () => {
  test('is answered with its id and the revision that it starts behind, before any event', async () => {
    watching.ask('ids')
    await store.put('ids-other', '1')
    const { watch_id, header } = await watching.next()
    expect(watch_id).toBe(0n)
    expect(header).toMatchObject({
      cluster_id: BigInt(store.status().clusterId),
      raft_term: BigInt(store.status().term),
    })
    await store.put('ids', '1')
    expect(await watching.short()).toBe(`0 @${at + 2}: put ids@${at + 2} v1=1`)
  })

  test('gives ids from 0 on and leaves out those that are taken', async () => {
    watching.ask('a', { watch_id: 1n })
    watching.ask('a')
    watching.ask('a')
    watching.ask('a', { watch_id: 7n })
    watching.cancel(0)
    watching.ask('a')
    expect(await watching.shorts(6)).toEqual(
      ['1 @ created', '0 @ created', '2 @ created', '7 @ created', '0 @ canceled', '3 @ created'].map((said) =>
        said.replace('@', `@${at}`),
      ),
    )
  })

  test('is refused for an id that is in use, an empty range and a negative revision, and the stream goes on', async () => {
    await watching.create('a', { watch_id: 5n })
    watching.ask('a', { watch_id: 5n })
    watching.ask('b', { end: 'a' })
    watching.ask('b', { end: 'b' })
    watching.ask('a', { start_revision: -1n })
    const refused = (reason: string): string => `-1 @${at} created canceled "${reason}"`
    expect(await watching.shorts(4)).toEqual([
      refused('mvcc: duplicate watch ID provided on the WatchStream'),
      refused('mvcc: watcher range is empty'),
      refused('mvcc: watcher range is empty'),
      refused('etcdserver: mvcc: required revision has been compacted'),
    ])
    await store.put('a', 'still')
    expect(await watching.short()).toMatch(/^5 .*=still$/)
  })

  test('says that a key is too long, and the stream goes on', async () => {
    watching.ask('x'.repeat(LIMITS.keyBytesMax + 1))
    expect(await watching.short()).toBe(`-1 @${at} created canceled "etcdserver: request is too large"`)
    await nothingElse()
  })

  test('understands the empty key, prefixes, ranges and open ends', async () => {
    await watching.create('', { end: '\0', watch_id: 1n })
    await watching.create('r/', { end: 'r0', watch_id: 2n })
    await watching.create('r/b', { end: '\0', watch_id: 3n })
    await watching.create('', { watch_id: 4n })
    const seenBy = async (key: string, count: number): Promise<string[]> => {
      await store.put(key, 'x')
      return (await watching.shorts(count)).map((said) => said.split(' ')[0] ?? '').sort()
    }
    expect(await seenBy('r/a', 2)).toEqual(['1', '2'])
    expect(await seenBy('r/b', 3)).toEqual(['1', '2', '3'])
    expect(await seenBy('s', 2)).toEqual(['1', '3'])
    expect(await seenBy('\0', 2)).toEqual(['1', '4'])
    await nothingElse()
  })
})

describe('events', () => {
  test('of the past come together, with the revision of now; those that follow with their own', async () => {
    for (const value of ['1', '2']) await store.put('past', value)
    await store.put('other', 'x')
    await watching.create('past', { start_revision: BigInt(at + 1), prev_kv: true })
    expect(await watching.short()).toBe(`0 @${at + 3}: put past@${at + 1} v1=1, put past@${at + 2} v2=2 <- 1`)
    await Promise.all([store.put('past', '3'), store.put('past', '4'), store.put('other', 'y')])
    expect(await watching.shorts(2)).toEqual([
      `0 @${at + 4}: put past@${at + 4} v3=3 <- 2`,
      `0 @${at + 5}: put past@${at + 5} v4=4 <- 3`,
    ])
  })

  test('of one transaction come together and in order; of a deletion the key and the revision', async () => {
    await store.put('t/z', 'old')
    await watching.create('t/', { end: 't0', prev_kv: true })
    await store.txn({ success: [put('t/b', '1'), del('t/z'), put('t/a', '2')] })
    const response = await watching.next()
    expect(shortOf(response)).toBe(
      `0 @${at + 2}: put t/b@${at + 2} v1=1, delete t/z@${at + 2} <- old, put t/a@${at + 2} v1=2`,
    )
    expect(response.events[1]?.kv).toEqual({
      ...{ key: Buffer.from('t/z'), mod_revision: BigInt(at + 2) },
      ...{ value: Buffer.alloc(0), create_revision: 0n, version: 0n, lease: 0n },
    })
  })

  test('carry the lease of a key', async () => {
    const { id } = await store.leases.grant({ ttlMs: 60_000 })
    await watching.create('leased')
    await store.put('leased', 'x', { lease: id })
    const { events } = await watching.next()
    expect(events[0]?.kv?.lease).toBe(id)
  })

  test('that are filtered out are not told of, nor that there were any', async () => {
    await watching.create('f', { watch_id: 1n, filters: [FilterType.NOPUT] })
    await watching.create('f', { watch_id: 2n, filters: [FilterType.NODELETE] })
    await watching.create('f', { watch_id: 3n, filters: [FilterType.NOPUT, FilterType.NODELETE] })
    await watching.create('f', { watch_id: 4n, filters: [7 as FilterType] })
    await store.put('f', 'x')
    expect((await watching.shorts(2)).sort()).toEqual([
      `2 @${at + 1}: put f@${at + 1} v1=x`,
      `4 @${at + 1}: put f@${at + 1} v1=x`,
    ])
    await store.delete('f')
    expect((await watching.shorts(2)).sort()).toEqual([
      `1 @${at + 2}: delete f@${at + 2}`,
      `4 @${at + 2}: delete f@${at + 2}`,
    ])
    await nothingElse()
  })

  test('of a revision in the future come when it is reached, none before', async () => {
    await watching.create('later', { start_revision: BigInt(at + 3) })
    for (const value of ['1', '2', '3']) await store.put('later', value)
    expect(await watching.short()).toBe(`0 @${at + 3}: put later@${at + 3} v3=3`)
  })

  test('of one revision come in parts only where that was asked for', async () => {
    const value = 'x'.repeat(LIMITS.requestBytesMax / 2 - 1000)
    for (const key of ['1', '2', '3']) await store.put(`g/${key}`, value)
    await watching.create('g/', { end: 'g0', watch_id: 1n, fragment: true, prev_kv: true })
    await store.delete({ prefix: 'g/' })
    const parts = [await watching.next(), await watching.next()]
    expect(parts.map(({ fragment, events }) => [fragment, events.length])).toEqual([
      [true, 2],
      [false, 1],
    ])
    await watching.create('g/', { end: 'g0', watch_id: 2n, start_revision: BigInt(at + 4), prev_kv: true })
    const { fragment, events } = await watching.next()
    expect([fragment, events.length]).toEqual([false, 3])
  })
})

describe('compaction', () => {
  test('ends a watch that needs what is gone, after its creation, and says from where on there is history', async () => {
    for (const value of ['1', '2', '3']) await store.put('c', value)
    await store.compact(at + 2)
    watching.ask('c', { start_revision: BigInt(at + 1) })
    expect(await watching.shorts(2)).toEqual([`0 @${at + 3} created`, `0 @0 canceled compacted ${at + 2}`])
    await watching.create('c', { start_revision: BigInt(at + 2) })
    expect(await watching.short()).toBe(`1 @${at + 3}: put c@${at + 2} v2=2, put c@${at + 3} v3=3`)
  })

  test('at a deletion leaves the deletion to be seen', async () => {
    await store.put('c/d', '1')
    await store.delete('c/d')
    await store.compact(at + 2)
    await watching.create('c/d', { start_revision: BigInt(at + 2) })
    expect(await watching.short()).toBe(`0 @${at + 2}: delete c/d@${at + 2}`)
  })

  test('leaves out values before, and says nothing of it', async () => {
    await store.put('c/p', '1')
    await store.put('c/p', '2')
    await store.put('c/p', '3')
    await store.compact(at + 2, { physical: true })
    await watching.create('c/p', { start_revision: BigInt(at + 2), prev_kv: true })
    expect(await watching.short()).toBe(`0 @${at + 3}: put c/p@${at + 2} v2=2, put c/p@${at + 3} v3=3 <- 2`)
  })
})

describe('canceling', () => {
  test('is answered, and nothing comes after', async () => {
    await watching.create('k')
    watching.cancel(0)
    expect(await watching.short()).toBe(`0 @${at} canceled`)
    await store.put('k', 'x')
    await nothingElse()
  })

  test('what is not there is not answered', async () => {
    watching.cancel(5)
    watching.cancel(-1)
    await nothingElse()
  })

  test('frees the id', async () => {
    await watching.create('k', { watch_id: 3n })
    watching.cancel(3)
    watching.ask('k', { watch_id: 3n })
    expect(await watching.shorts(2)).toEqual([`3 @${at} canceled`, `3 @${at} created`])
  })
})

describe('progress', () => {
  test('asked for comes behind all events, for all watches of the stream', async () => {
    await watching.create('p/', { end: 'p0', watch_id: 1n })
    await watching.create('p/', { end: 'p0', watch_id: 2n, start_revision: BigInt(at) })
    await Promise.all(Array.from({ length: 50 }, (_, nth) => store.put(`p/${nth}`, 'x')))
    await store.put('other', 'x')
    watching.progress()
    const told = new Map<bigint, bigint>()
    for (;;) {
      const { watch_id, header, events } = await watching.next()
      if (watch_id === -1n) {
        expect(header?.revision).toBe(BigInt(at + 51))
        break
      }
      told.set(watch_id, events.at(-1)?.kv?.mod_revision ?? 0n)
    }
    expect([...told].sort()).toEqual([
      [1n, BigInt(at + 50)],
      [2n, BigInt(at + 50)],
    ])
  })

  test('is not told without a watch, nor while one waits for a revision in the future', async () => {
    watching.progress()
    await watching.create('ahead', { start_revision: BigInt(at + 2), watch_id: 1n })
    watching.progress()
    await nothingElse()
    await store.put('ahead', '1')
    await store.put('ahead', '2')
    expect(await watching.short()).toBe(`1 @${at + 2}: put ahead@${at + 2} v2=2`)
    watching.progress()
    expect(await watching.short()).toBe(`-1 @${at + 2}`)
  })

  test('goes on being told when a watch ends that was asked', async () => {
    await watching.create('k', { watch_id: 1n })
    await watching.create('k', { watch_id: 2n })
    watching.progress()
    watching.cancel(1)
    const told = await watching.shorts(2)
    expect(told.sort()).toEqual([`-1 @${at}`, `1 @${at} canceled`])
    await nothingElse()
  })

  test('comes by itself where nothing happens, for each watch that wants it', async () => {
    await watching.create('k', { watch_id: 1n, progress_notify: true })
    await watching.create('k', { watch_id: 2n })
    await store.put('other', 'x')
    expect(await watching.short()).toBe(`1 @${at + 1}`)
  })
})

describe('a stream', () => {
  test('passes over a request of no kind that it knows', async () => {
    watching.stream.write({ request_union: undefined })
    await nothingElse()
  })

  test('goes on when the client has nothing more to ask', async () => {
    await watching.create('half')
    watching.stream.end()
    await store.put('half', 'x')
    expect(await watching.short()).toBe(`0 @${at + 1}: put half@${at + 1} v1=x`)
  })

  test('ends its watches with it', async () => {
    for (let nth = 0; nth < 20; nth++) await watching.create('k', { start_revision: BigInt(at) })
    expect(watches()).toBeGreaterThanOrEqual(20)
    watching.end()
    while (watches() > 0) await new Promise((resolve) => setImmediate(resolve))
  })

  test('of a thousand watches has each told once', async () => {
    const count = 1000
    for (let nth = 0; nth < count; nth++) watching.ask(`many/${nth % 100}`)
    for (let nth = 0; nth < count; nth++) expect((await watching.next()).created).toBe(true)
    await store.txn({ success: Array.from({ length: 100 }, (_, nth) => put(`many/${nth}`, 'x')) })
    const told = new Set<bigint>()
    while (told.size < count) {
      const { watch_id, events } = await watching.next()
      expect([told.has(watch_id), events.length]).toEqual([false, 1])
      told.add(watch_id)
    }
    watching.progress()
    expect(await watching.short()).toBe(`-1 @${at + 1}`)
  })
})

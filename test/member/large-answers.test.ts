/** Answers that are large: who reads them, how much at a time, and that nobody else pays for them. */
import { describe, expect, test } from 'vitest'
import { compare, del, get, put } from '../../src/api/operations.js'
import type { Store } from '../../src/api/store.js'
import { isStoreError, StoreError } from '../../src/base/errors.js'
import { LIMITS } from '../../src/base/limits.js'
import { Deadlines } from '../../src/member/deadlines.js'
import { RecordReader } from '../../src/member/record-reader.js'
import { isRecordKey, recordKey } from '../../src/mvcc/record.js'
import { MvccStore } from '../../src/mvcc/store.js'
import type { KeyValue } from '../../src/mvcc/types.js'
import { drainMicrotasks } from '../../src/runtime/event-loop.js'
import type { Disk } from '../../src/storage/disk.js'
import { SimScheduler } from '../../src/testing/sim/scheduler.js'
import { MemoryBackend } from '../mvcc/memory-backend.js'
import { get as range, put as putOf } from '../mvcc/requests.js'
import { RunningWorld } from '../store/clusters.js'
import { observed } from './observed-disk.js'

const VALUE = 'v'.repeat(100_000)
const KEYS = 40

describe('a transaction that asks for the same values many times', () => {
  test('has each read once, where it was called; nobody else reads any, and no replay does', async () => {
    const { world, reads } = await filled()
    const [caller, other] = world.followers as [Store, Store]
    const { results, revision } = await caller.txn({
      success: [
        ...Array.from({ length: 10 }, () => get({ prefix: 'large/' })),
        put('large/00', 'new', { previous: true }),
        del('large/01', { previous: true }),
        get('large/00'),
      ],
    })
    await world.until(() => world.statuses().every((status) => status.revision === revision))
    for (const result of results.slice(0, 10)) {
      expect(result).toMatchObject({ type: 'range', count: KEYS, more: false })
      expect(result.type === 'range' && result.items.every((item) => item.text() === VALUE)).toBe(true)
    }
    expect(results[10]).toMatchObject({ type: 'put', previous: { modRevision: 2 } })
    expect(results[11]).toMatchObject({ type: 'delete', deleted: 1, previous: [{ modRevision: 3 }] })
    expect(results[12]).toMatchObject({ type: 'range', items: [{ modRevision: revision }] })
    const [items] = results.flatMap((result) => (result.type === 'range' ? [result.items] : []))
    const [same] = results.slice(1).flatMap((result) => (result.type === 'range' ? [result.items] : []))
    expect(items?.[0]?.value).not.toBe(same?.[0]?.value)
    // The one that the transaction itself wrote is in memory.
    expect(reads).toEqual(new Map([[caller.status().name, KEYS]]))

    for (const name of [caller.status().name, other.status().name]) {
      const before = world.store(name).status()
      expect(before.durableAppliedIndex).toBeLessThan(before.appliedIndex)
      reads.clear()
      world.crash(world.place(name), 'power')
      world.start(world.place(name))
      await world.until(() => world.place(name).store?.status().revision === revision)
      expect(world.store(name).status().digest).toBe(before.digest)
      expect(reads).toEqual(new Map())
    }
    await world.halt()
  })

  test('and for more than an answer may hold is done, and is told so; the cluster lives on', async () => {
    const { world, reads } = await filled()
    const [caller] = world.followers as [Store]
    const success = [put('done', 'yes'), ...Array.from({ length: 100 }, () => get({ prefix: 'large/' }))]
    const error = await refusal(caller.txn({ success }))
    expect([error.code, error.outcome]).toEqual(['RESPONSE_TOO_LARGE', 'unknown'])
    const done = await caller.get('done')
    expect(error.message).toContain(
      `The write was done, at revision ${done?.modRevision}, but its answer has more than`,
    )
    expect([...reads.keys()]).toEqual([caller.status().name])
    const { revision } = await caller.put('after', 'x')
    await world.until(() => world.statuses().every((status) => status.revision === revision))
    await world.halt()
  })

  test('and touches too many keys is refused, with the numbers', async () => {
    const world = await RunningWorld.start({ members: ['a'] })
    const one = { success: Array.from({ length: 100 }, (_, at) => put(`k${at}`, '')) }
    await world.leader.txn(one)
    const ranges = Array.from({ length: 101 }, () => get({ all: true }))
    const error = await refusal(world.leader.txn({ success: [put('x', ''), ...ranges] }))
    expect([error.code, error.outcome]).toEqual(['TOO_MANY_OPERATIONS', 'refused'])
    expect(error.message).toMatch(/touches 1\d{4} keys or more; at most 10000 are allowed/)
    const differs = compare({ prefix: 'k' }).value('!=', 'x')
    const compared = await refusal(world.leader.txn({ compare: Array.from({ length: 101 }, () => differs) }))
    expect(compared.code).toBe('TOO_MANY_OPERATIONS')
    expect(world.leader.status().revision).toBe(2)
    await world.halt()
  })
})

describe('a large range', () => {
  test('is refused over the limit of an answer, by its values and by its keys, and can be read in parts', async () => {
    const world = await RunningWorld.start({ members: ['a'] })
    const value = new Uint8Array(1 << 20)
    for (let at = 0; at < 65; at++) await world.leader.put(`k${String(at).padStart(2, '0')}`, value)
    const error = await refusal(world.leader.range({ all: true }))
    expect([error.code, error.outcome]).toEqual(['RESPONSE_TOO_LARGE', 'refused'])
    expect(error.message).toContain('`limit`')
    expect((await world.leader.range({ all: true }, { limit: 60 })).items).toHaveLength(60)
    expect((await world.leader.range({ all: true }, { keysOnly: true })).items).toHaveLength(65)
    // Of a sort by value only as much is kept as is shown, so that a limit bounds it.
    const sort = { by: 'value' } as const
    expect((await world.leader.range({ all: true }, { sort, limit: 60 })).items).toHaveLength(60)
    expect((await refusal(world.leader.range({ all: true }, { sort }))).code).toBe('RESPONSE_TOO_LARGE')
    expect((await refusal(world.leader.range({ all: true }, { sort, keysOnly: true }))).code).toBe('RESPONSE_TOO_LARGE')
    expect((await world.leader.range({ all: true }, { countOnly: true })).count).toBe(65)
    await world.halt()
  })

  test('lets others take their turn, also where all of it is in memory, and is of one revision', async () => {
    const world = await RunningWorld.start({ members: ['a'] })
    const keys = 5000
    await Promise.all(Array.from({ length: keys }, (_, at) => world.leader.put(`k${at}`, '1')))
    const before = world.scheduler.events
    const reading = world.leader.range({ prefix: 'k' }, { consistency: 'local' })
    const writing = world.leader.put('k0', '2')
    const { items, revision } = await reading
    // For reading and for copying.
    expect(world.scheduler.events - before).toBeGreaterThanOrEqual(2 * Math.floor(keys / LIMITS.readChunkRecordsMax))
    const written = await writing
    expect(items).toHaveLength(keys)
    expect(items.every((item) => item.text() === '1')).toBe(true)
    expect(written.revision).toBe(revision + 1)
    await world.halt()
  })

  test('is read to its end whatever is compacted meanwhile, and the compaction goes on after it', async () => {
    const { world, onRead } = await filled(['a'])
    const store = world.leader
    const { revision } = store.status()
    for (let at = 0; at < KEYS; at++) await store.put(`large/${String(at).padStart(2, '0')}`, 'new')
    let compacted: Promise<void> | undefined
    onRead(() => {
      compacted ??= store.compact(store.status().revision)
    })
    const { items } = await store.range({ prefix: 'large/' }, { revision, consistency: 'local' })
    expect(items.map((item) => item.text())).toEqual(Array.from({ length: KEYS }, () => VALUE))
    await compacted
    expect((await refusal(store.range({ prefix: 'large/' }, { revision }))).code).toBe('COMPACTED')
    const writes = store.status().stateWrites
    await world.until(() => store.status().stateWrites > writes)
    await world.halt()
  })
})

describe('reading records', () => {
  test.each([
    ['small ones', 3000, 10],
    ['large ones', 100, 500_000],
  ])('%s goes in chunks with a turn in between', async (_what, count, valueBytes) => {
    const { reader, pending, chunks, records, scheduler } = readerOf(count, valueBytes)
    const found: KeyValue[] = []
    const take = (keyValue: KeyValue): number => found.push(keyValue) && 0
    const reading = reader.read({ records, bytes: 0, take }, pending)
    await drainMicrotasks()
    await scheduler.runUntil(() => found.length === count, 1000)
    expect(await reading).toBe(true)
    expect(found.map(({ modRevision }) => modRevision)).toEqual(records.map(({ main }) => main))
    // The first of them in the turn of the call; then each in a turn of its own.
    expect(chunks.map(({ turn }) => turn)).toEqual(chunks.map((_, at) => at))
    const most = Math.max(16, Math.min(LIMITS.readChunkRecordsMax, LIMITS.readChunkBytes / valueBytes))
    for (const { keys } of chunks) expect(keys.length).toBeLessThanOrEqual(most)
    expect(chunks[2]?.keys.length).toBe(valueBytes > 1000 ? 2 : 64)
    expect(chunks.flatMap(({ keys }) => keys)).toEqual(records.map(recordKey))
  })

  test('ends with the call: nothing is read any more, and nothing held', async () => {
    const { reader, pending, chunks, records, scheduler, store } = readerOf(3000, 10)
    const reading = reader.read({ records, bytes: 0, take: () => 0 }, pending)
    await drainMicrotasks()
    await scheduler.step()
    store.write(putOf('k0', 'again'))
    store.compact(store.revision)
    expect(store.sweep(10)).toBe(false)
    pending.expire()
    await scheduler.step()
    expect(await reading).toBe(false)
    expect(chunks.length).toBeLessThan(4)
    expect([store.sweep(10), store.sweeping]).toEqual([false, false])
  })
})

/** A reader of `count` records, whose reads answer at once. */
function readerOf(count: number, valueBytes: number) {
  const scheduler = new SimScheduler()
  const timers = scheduler.timersOf()
  const backend = new MemoryBackend()
  const store = new MvccStore(backend)
  for (let at = 0; at < count; at++) store.write({ ...putOf(`k${at}`), value: new Uint8Array(valueBytes) })
  const chunks: { readonly keys: readonly string[]; readonly turn: number }[] = []
  const getMany = async (keys: readonly string[]): Promise<(Uint8Array | undefined)[]> => {
    chunks.push({ keys, turn: scheduler.events })
    return keys.map((key) => backend.get(key))
  }
  const storage = { state: { getMany } }
  const reader = new RecordReader({ machine: { store }, storage, timers, wake: () => undefined })
  const giveUp = (code: 'TIMEOUT' | 'ABORTED') => new StoreError(code, 'given up')
  const pending = new Deadlines(scheduler.clock, timers).wait<void>({ deadlineMs: Infinity }, giveUp)
  pending.promise.catch(() => undefined)
  const { records } = store.planRange(range('\0', '\0'))
  return { reader, pending, chunks, records, scheduler, store }
}

/** Members that were started again, with {@link KEYS} values on disk and none in memory; and who reads how many of them. */
async function filled(members = ['a', 'b', 'c']) {
  const reads = new Map<string, number>()
  let listener = (): void => undefined
  const plant = {
    disk: (disk: Disk) =>
      observed(disk, (keys) => {
        const records = keys.filter(isRecordKey).length
        const name = disk.location.slice(-1)
        if (records > 0) reads.set(name, (reads.get(name) ?? 0) + records)
        if (records > 0) listener()
      }),
  }
  let stateBufferBytesMax = 1000
  const world = await RunningWorld.start({ members, plant, open: () => ({ stateBufferBytesMax }) })
  for (let at = 0; at < KEYS; at++) await world.leader.put(`large/${String(at).padStart(2, '0')}`, VALUE)
  const written = () => world.statuses().every((status) => status.durableAppliedIndex === status.commitIndex)
  await world.until(written)
  // From here on nothing is written before 8 MiB are.
  stateBufferBytesMax = LIMITS.stateBufferBytesMax
  for (const place of world.places) world.crash(place, 'power')
  for (const place of world.places) world.start(place)
  const ready = () => world.statuses().length === members.length && world.statuses().every(({ leader }) => leader)
  await world.until(ready)
  await world.leader.put('first', '')
  await world.until(() => world.statuses().every(({ revision }) => revision === KEYS + 2))
  reads.clear()
  const onRead = (action: () => void): void => {
    listener = action
  }
  return { world, reads, onRead }
}

async function refusal(call: Promise<unknown>): Promise<StoreError> {
  const error: unknown = await call.then(
    () => 'it was done',
    (reason: unknown) => reason,
  )
  if (isStoreError(error)) return error
  throw new Error(`a refusal is expected, not ${String(error)}`)
}

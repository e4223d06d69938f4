/** Snapshots of a store that is at work: what is in them, and what they cost the others. */
import { afterEach, describe, expect, test } from 'vitest'
import { del, put } from '../../src/api/operations.js'
import type { Store } from '../../src/api/store.js'
import { LIMITS } from '../../src/base/limits.js'
import { below } from '../../src/base/random.js'
import { seededRandom } from '../../src/base/seeded-random.js'
import { decodeRecord, isRecordKey } from '../../src/mvcc/record.js'
import { readSnapshot, type SnapshotContent } from '../../src/storage/snapshot-reader.js'
import { open } from '../../src/store/open.js'
import { snapshotStatus } from '../../src/store/snapshot-status.js'
import type { WorldOptions } from '../../src/testing/sim/world.js'
import { codeOfAsync } from '../code-of.js'
import { RunningWorld } from './clusters.js'

let world: RunningWorld | undefined

async function oneMember(options: Partial<WorldOptions> = {}): Promise<{ running: RunningWorld; store: Store }> {
  const running = await RunningWorld.start({ members: ['a'], ...options })
  world = running
  return { running, store: running.store('a') }
}

afterEach(async () => {
  await world?.halt()
})

async function* streamOf(pieces: readonly Uint8Array[]): AsyncGenerator<Uint8Array, void, undefined> {
  yield* pieces
}

async function collect(source: AsyncIterable<Uint8Array>, between?: () => Promise<void>): Promise<Uint8Array[]> {
  const pieces: Uint8Array[] = []
  for await (const piece of source) {
    pieces.push(piece)
    await between?.()
  }
  return pieces
}

interface Change {
  readonly revision: number
  readonly key: string
  /** Undefined: it was deleted. */
  readonly value: string | undefined
}

const byRevision = (a: Change, b: Change): number => a.revision - b.revision || (a.key < b.key ? -1 : 1)

/** The changes in a snapshot, as its records have them. */
async function changesIn(pieces: readonly Uint8Array[]): Promise<{ content: SnapshotContent; changes: Change[] }> {
  const changes: Change[] = []
  const content = await readSnapshot(streamOf(pieces), 'x', {
    records: async (records) => {
      for (const [key, bytes] of records) {
        if (!isRecordKey(key)) continue
        const { type, id, keyValue } = decodeRecord(bytes)
        const value = type === 'put' ? Buffer.from(keyValue.value).toString() : undefined
        changes.push({ revision: id.main, key: keyValue.key, value })
      }
    },
  })
  return { content, changes: changes.sort(byRevision) }
}

function latest(changes: readonly Change[]): ReadonlyMap<string, string> {
  const state = new Map<string, string>()
  for (const { key, value } of changes) {
    if (value === undefined) state.delete(key)
    else state.set(key, value)
  }
  return state
}

/** Writes, deletes, transactions and compactions, of which every one that was done is in `changes`. */
class Writer {
  readonly changes: Change[] = []
  stopped = false
  readonly #store: Store
  readonly #random

  constructor(store: Store, seed: number) {
    this.#store = store
    this.#random = seededRandom(seed)
  }

  async run(): Promise<void> {
    for (let nth = 0; !this.stopped; nth++) await this.#write(`${nth}`.padEnd(1 + below(this.#random, 200), '.'))
  }

  async #write(value: string): Promise<void> {
    const key = `k${below(this.#random, 12)}`
    switch (below(this.#random, 8)) {
      case 0: {
        const { revision, deleted } = await this.#store.delete(key)
        if (deleted > 0) this.changes.push({ revision, key, value: undefined })
        return
      }
      case 1: {
        const success = [put('t1', value), put('t2', value), del('t0')]
        const { revision } = await this.#store.txn({ success })
        this.changes.push({ revision, key: 't1', value }, { revision, key: 't2', value })
        return
      }
      case 2: {
        const { revision, compactRevision } = this.#store.status()
        const to = Math.min(revision, compactRevision + 1 + below(this.#random, 10))
        if (to > compactRevision) await this.#store.compact(to)
        return
      }
      default: {
        const { revision } = await this.#store.put(key, value)
        this.changes.push({ revision, key, value })
      }
    }
  }
}

describe('a snapshot', () => {
  test.each([1, 2])('is the state at one revision while the store works on it (%i)', async (seed) => {
    const rare = ['state-chunk-of-one', 'slice-of-one', 'state-cache-dropped', 'sweep-one-key']
    const { running, store } = await oneMember({
      seed,
      open: { stateBufferBytesMax: 1_500, logRetainBytes: 1_500 },
      buggify: () => (point) => rare.includes(point),
    })
    const writer = new Writer(store, seed)
    const written = writer.run()
    for (let nth = 0; nth < 2; nth++) {
      await running.pass(100 + 37 * nth)
      const { revision: before, stateWrites } = store.status()
      const pieces = await collect(store.maintenance.snapshot(), () => running.pass(5))
      expect(store.status().stateWrites).toBeGreaterThan(stateWrites)
      const { content, changes } = await changesIn(pieces)
      const { revision, compactRevision } = content.header
      expect(revision).toBeGreaterThanOrEqual(before)
      // What the writer knows up to there; of the last write it may not have heard when the snapshot was taken.
      await running.until(() => store.status().revision > revision)
      const known = writer.changes.filter((change) => change.revision <= revision).sort(byRevision)
      expect(latest(changes)).toEqual(latest(known))
      const kept = (all: readonly Change[]) => all.filter((change) => change.revision > compactRevision)
      expect(kept(changes)).toEqual(kept(known))
      const status = await snapshotStatus(streamOf(pieces))
      expect([status.revision, status.keys]).toEqual([revision, latest(known).size])
    }
    writer.stopped = true
    await written
  })

  test('says whose it is, where it stands and what it comes to', async () => {
    const { running, store } = await oneMember()
    await store.leases.grant({ ttlMs: 60_000 })
    for (const key of ['a', 'b', 'c']) await store.put(key, 'x')
    await store.delete('b')
    const { clusterId, memberId, name, appliedIndex, term, revision, digest } = store.status()
    const wallMs = running.place('a').clock.wallMs()
    const pieces = await collect(store.maintenance.snapshot())
    const status = await snapshotStatus(streamOf(pieces))
    expect(status).toMatchObject({
      clusterId,
      memberId,
      name,
      appliedIndex,
      term,
      revision,
      digest,
      keys: 2,
      leases: 1,
    })
    expect(Math.abs(status.createdAtMs - wallMs)).toBeLessThan(2)
    expect(status.bytes).toBe(Buffer.concat(pieces).byteLength)
    expect(status.hash).toBe(
      Buffer.concat(pieces)
        .subarray(-4 - 32, -4)
        .toString('hex'),
    )
  })

  test('of the same state has the same records and digest on every member', async () => {
    const running = await RunningWorld.start()
    world = running
    for (let nth = 0; nth < 20; nth++) await running.leader.put(`k${nth % 7}`, `${nth}`)
    const { lastIndex } = running.leader.status().log
    await running.until(() => running.statuses().every(({ appliedIndex }) => appliedIndex >= lastIndex))
    const stores = running.places.map(({ name }) => running.store(name))
    const found = await Promise.all(stores.map(async (store) => changesIn(await collect(store.maintenance.snapshot()))))
    for (const { content, changes } of found) {
      expect(content.header.digest).toEqual(found[0]?.content.header.digest)
      expect(changes).toEqual(found[0]?.changes)
    }
  })

  test('can be taken of a member that has lost the others', async () => {
    const running = await RunningWorld.start()
    world = running
    await running.leader.put('key', 'x')
    const { name } = running.leader.status()
    running.isolate(name)
    expect((await snapshotStatus(running.store(name).maintenance.snapshot())).keys).toBe(1)
  })

  test('can be taken of a store in memory that never wrote anything', async () => {
    const store = await open()
    const { revision, keys } = await snapshotStatus(store.maintenance.snapshot())
    expect([revision, keys]).toEqual([1, 0])
    await store.close()
  })
})

describe('whoever takes a snapshot', () => {
  const large = async (store: Store): Promise<void> => {
    for (let nth = 0; nth < 10; nth++) await store.put(`k${nth}`, 'x'.repeat(LIMITS.snapshotBlockBytes))
  }

  test('and leaves it alone for too long is told so, and holds up nobody', async () => {
    const { running, store } = await oneMember()
    await large(store)
    const snapshot = store.maintenance.snapshot()[Symbol.asyncIterator]()
    await snapshot.next()
    const putAtMs = running.nowMs
    await store.put('key', 'x')
    expect(running.nowMs - putAtMs).toBeLessThan(1_000)
    await running.pass(LIMITS.snapshotPieceMsMax - 2_000)
    expect((await snapshot.next()).done).toBe(false)
    await running.pass(LIMITS.snapshotPieceMsMax + 1)
    expect(await codeOfAsync(() => snapshot.next())).toBe('TIMEOUT')
    expect((await snapshot.next()).done).toBe(true)
  })

  test('is one of a few, and leaves a place to the next when done, stopped or failed', async () => {
    const { store } = await oneMember()
    await large(store)
    const begin = async () => {
      const iterator = store.maintenance.snapshot()[Symbol.asyncIterator]()
      await iterator.next()
      return iterator
    }
    const begun = await Promise.all(Array.from({ length: LIMITS.snapshotsMax }, begin))
    expect(await codeOfAsync(begin)).toBe('TOO_MANY_REQUESTS')
    await begun[0]?.return?.()
    const [last] = [await begin()]
    expect(await codeOfAsync(begin)).toBe('TOO_MANY_REQUESTS')
    while ((await last.next()).done !== true);
    await begin()
  })

  test('is told at once when it is aborted, also before it began and while the disk hangs', async () => {
    const { running, store } = await oneMember()
    await large(store)
    const controller = new AbortController()
    const snapshot = store.maintenance.snapshot({ signal: controller.signal })[Symbol.asyncIterator]()
    await snapshot.next()
    running.place('a').disk.hang()
    const piece = codeOfAsync(() => snapshot.next())
    controller.abort(new Error('enough'))
    expect(await piece).toBe('ABORTED')
    running.place('a').disk.heal()
    const late = store.maintenance.snapshot({ signal: controller.signal })
    expect(await codeOfAsync(() => collect(late))).toBe('ABORTED')
    expect(() => store.maintenance.snapshot({ signal: controller as unknown as AbortSignal })).toThrow(TypeError)
  })

  test('is told when the store is closed, and cannot begin after it', async () => {
    const { store } = await oneMember()
    await large(store)
    const snapshot = store.maintenance.snapshot()[Symbol.asyncIterator]()
    await snapshot.next()
    const late = store.maintenance.snapshot()
    await store.close()
    expect(await codeOfAsync(() => snapshot.next())).toBe('CLOSED')
    expect(await codeOfAsync(() => collect(late))).toBe('CLOSED')
    expect(() => store.maintenance.snapshot()).toThrow('closed')
  })
})

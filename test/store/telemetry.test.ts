/** What a store measures of itself, for those who listen. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { compare, del, get, put, txn } from '../../src/api/operations.js'
import type { Store } from '../../src/api/store.js'
import type { Measurement } from '../../src/api/telemetry.js'
import { systemEnvironment } from '../../src/runtime/system.js'
import { open } from '../../src/store/open.js'
import { tcpTransport } from '../../src/transport/tcp.js'
import type { Transport } from '../../src/transport/transport.js'
import { codeOfAsync } from '../code-of.js'
import { RunningWorld } from './clusters.js'

type Type = Measurement['type']
type Of<Name extends Type> = Extract<Measurement, { type: Name }>

const ends: (() => Promise<unknown>)[] = []

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end()
})

class Book {
  readonly measured: Measurement[] = []
  readonly stop: () => void
  #wake: (() => void) | undefined

  constructor(store: Store) {
    this.stop = store.telemetry.listen((each) => {
      this.measured.push(each)
      this.#wake?.()
    })
  }

  of<Name extends Type>(type: Name): Of<Name>[] {
    return this.measured.filter((each): each is Of<Name> => each.type === type)
  }

  /** Resolves with the first one of this type, once there is one. */
  async first<Name extends Type>(type: Name): Promise<Of<Name>> {
    for (;;) {
      const [found] = this.of(type)
      if (found !== undefined) return found
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }
}

async function cluster(): Promise<RunningWorld> {
  const world = await RunningWorld.start()
  ends.push(() => world.halt())
  return world
}

async function onDisk(): Promise<Store> {
  const dataDir = await mkdtemp(join(tmpdir(), 'quorate-telemetry-'))
  const store = await open({ dataDir })
  ends.push(async () => {
    await store.close()
    await rm(dataDir, { recursive: true })
  })
  await store.ready()
  return store
}

describe('a store on a disk', () => {
  test('measures its log, its state and what is done to them', async () => {
    const store = await onDisk()
    const book = new Book(store)
    for (let at = 0; at < 3; at++) await store.put('key', `${at}`)
    const written = book.of('log-written')
    expect(written.reduce((sum, { entries }) => sum + entries, 0)).toBe(3)
    for (const { durationMs, bytes } of written) {
      expect(durationMs).toBeGreaterThan(0)
      expect(bytes).toBeGreaterThan(4)
    }

    await store.compact(store.status().revision, { physical: true })
    expect(book.of('compacted')).toMatchObject([{ revision: 4 }])
    expect(book.of('swept')).toMatchObject([{ records: 2 }])
    await store.maintenance.defragment()
    expect(book.of('state-written').length).toBeGreaterThan(0)
    expect((await book.first('defragmented')).durationMs).toBeGreaterThan(0)
    await store.maintenance.hash()
    expect(book.of('hashed')).toHaveLength(1)

    let bytes = 0
    for await (const piece of store.maintenance.snapshot()) bytes += piece.byteLength
    expect(book.of('snapshot-read')).toMatchObject([{ bytes, whole: true }])
    for await (const piece of store.maintenance.snapshot()) if (piece.byteLength > 0) break
    expect(book.of('snapshot-read')[1]).toMatchObject({ whole: false })
    expect(store.telemetry.gauges()).toMatchObject({ keys: 1, snapshots: 0, defragmenting: false, installing: false })
  })

  test('counts what commands come to, with the transactions inside, and the reads', async () => {
    const store = await onDisk()
    const book = new Book(store)
    const inner = { compare: [compare('k').missing()], success: [put('k', '12'), get('k')] }
    await store.txn({ success: [put('j', '123'), del('missing'), txn(inner)] })
    expect(book.of('applied')).toMatchObject([{ request: 'transaction', puts: 2, deletes: 1, ranges: 1, putBytes: 7 }])
    await codeOfAsync(() => store.put('key', '', { lease: 404n }))
    expect(book.of('applied')[1]).toMatchObject({ request: undefined, puts: 0 })

    await store.range({ all: true })
    await codeOfAsync(() => store.range({ all: true }, { revision: 99 }))
    expect(book.of('ranged')).toMatchObject([{ ok: true }, { ok: false }])
  })

  test('tells of leases and of watches', async () => {
    const store = await onDisk()
    const book = new Book(store)
    const { id } = await store.leases.grant({ ttlMs: 60_000 })
    await store.put('key', 'x', { lease: id })
    await store.leases.keepAlive(id)
    const watch = store.watch('key', { startRevision: 2 })
    for await (const event of watch) if (event.type === 'put') break
    expect(book.of('events-delivered')).toMatchObject([{ events: 1 }])
    expect(book.of('lease-granted')).toMatchObject([{ ttlMs: 60_000 }])
    expect(book.of('lease-renewed')).toHaveLength(1)
    expect(store.telemetry.gauges()).toMatchObject({ leases: 1, keys: 1 })
    await store.leases.revoke(id)
    expect(book.of('lease-revoked')).toHaveLength(1)
  })

  test('measures nothing for who has stopped listening, or listens on a handle that was closed', async () => {
    const store = await onDisk()
    const handles = [store.as('anonymous'), store.namespace('inside/')]
    const books = [new Book(store), ...handles.map((handle) => new Book(handle))]
    await store.put('key', 'x')
    const counts = books.map(({ measured }) => measured.length)
    expect(Math.min(...counts)).toBeGreaterThan(0)
    books[0]?.stop()
    for (const handle of handles) await handle.close()
    await store.put('key', 'y')
    expect(books.map(({ measured }) => measured.length)).toEqual(counts)
    expect(() => store.telemetry.listen('no function' as never)).toThrow(TypeError)
  })
})

describe('three members', () => {
  test('tell what goes between them, and the loss of a quorum', async () => {
    const world = await cluster()
    const { leader } = world
    const book = new Book(leader)
    await leader.put('key', 'x')
    const peers = world.followers.map((store) => store.status().memberId).sort()
    expect([...new Set(book.of('frame-sent').map(({ peer }) => peer))].sort()).toEqual(peers)
    expect(book.of('frame-sent').every(({ taken, bytes }) => taken && bytes > 0)).toBe(true)
    expect(book.of('frame-received').length).toBeGreaterThan(0)
    expect([...(leader.telemetry.gauges()?.reachablePeers ?? [])].sort()).toEqual(peers)

    world.isolate(leader.status().name)
    const reading = codeOfAsync(() => leader.get('key', { timeoutMs: 3_000 }))
    const writing = codeOfAsync(() => leader.put('key', 'y', { timeoutMs: 3_000 }))
    expect([await reading, await writing]).toEqual(['TIMEOUT', 'TIMEOUT'])
    expect(book.of('proposal-failed')).toHaveLength(1)
    expect(book.of('read-index-late').length).toBeGreaterThan(0)
    expect(book.of('read-index-failed').length).toBeGreaterThan(0)
    expect(book.of('peer-unreachable').length).toBe(2)
    world.network.healAll()
  })

  test('over TCP measure the way to each other and back, with the connection and with each keepalive', async () => {
    const limits = { peerKeepaliveMs: 10 }
    const [one, other] = ([1, 2] as const).map(() =>
      tcpTransport({ listen: '127.0.0.1:0', limits, environment: systemEnvironment() }),
    ) as [Transport, Transport]
    ends.push(() => Promise.all([one.close(), other.close()]))
    const quiet = { onFrame: () => undefined, onReachable: () => undefined, onUnreachable: () => undefined }
    await other.start({ clusterId: 7, memberId: 2 }, quiet)
    const measured = new Promise<number[][]>((resolve) => {
      const trips: number[][] = []
      const onRoundTrip = (peer: number, durationMs: number): void => {
        if (trips.push([peer, durationMs]) === 3) resolve(trips)
      }
      void one.start({ clusterId: 7, memberId: 1 }, { ...quiet, onRoundTrip })
    })
    one.setPeers([{ id: 2, address: other.address ?? '' }])
    other.setPeers([{ id: 1, address: '127.0.0.1:1' }])
    for (const [peer, durationMs] of await measured) {
      expect(peer).toBe(2)
      expect(durationMs).toBeGreaterThan(0)
    }
  })
})

import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { MemoryNetwork } from '../../../src/transport/index.js'
import { isStoreError, Mutex, open, type Store, type WatchEvent } from '../../../src/index.js'
import { connect, serveEtcd, type EtcdServer } from '../../../src/etcd/index.js'

const NAMES = ['a', 'b', 'c'] as const
const TIMES = { electionTimeoutMs: 500, heartbeatIntervalMs: 50 }

interface Member {
  readonly store: Store
  readonly server: EtcdServer
}

/** Three members in this process, each served on a port of its own. */
class Cluster {
  readonly members = new Map<string, Member>()

  static async start(advertiseClientUrls?: readonly string[]): Promise<Cluster> {
    const cluster = new Cluster()
    const network = new MemoryNetwork()
    const addresses = Object.fromEntries(NAMES.map((name) => [name, name]))
    for (const name of NAMES) {
      const store = await open({
        ...{ name, cluster: addresses, durability: 'none', ...TIMES },
        transport: ({ timers }) => network.transport(name, timers),
      })
      const server = await serveEtcd(store, {
        listenClientUrls: ['http://127.0.0.1:0'],
        ...(advertiseClientUrls !== undefined && { advertiseClientUrls }),
      })
      cluster.members.set(name, { store, server })
    }
    await Promise.all([...cluster.members.values()].map(({ store }) => store.ready()))
    return cluster
  }

  get endpoints(): readonly string[] {
    return [...this.members.values()].flatMap(({ server }) => server.clientUrls)
  }

  /** It is gone, for its clients and for the others. */
  async kill(name: string): Promise<void> {
    const { server, store } = this.members.get(name) as Member
    this.members.delete(name)
    await Promise.all([server.close(), store.close()])
  }

  async close(): Promise<void> {
    await Promise.all([...this.members.keys()].map((name) => this.kill(name)))
  }
}

describe('when the member that it is connected to goes', () => {
  let cluster: Cluster
  let store: Store

  afterEach(async () => {
    await store.close()
    await cluster.close()
  })

  test('calls, watches, leases and locks go on with the others', async () => {
    cluster = await Cluster.start()
    store = await connect({ endpoints: cluster.endpoints })
    expect(store.status().name).toBe('a')
    const watch = store.watch({ prefix: 'k/' })
    const events = watch[Symbol.asyncIterator]()
    await watch.opened()
    const lease = await store.leases.grant({ ttlMs: 60_000 })
    await store.put('k/1', 'before', { lease: lease.id })
    expect((await events.next()).value).toMatchObject({ key: 'k/1' })
    const lock = await new Mutex(store, 'jobs').lock({ ttlMs: 20_000 })

    await cluster.kill('a')

    expect((await store.get('k/1'))?.text()).toBe('before')
    await putSurely(store, 'k/2', 'after')
    expect((await events.next()).value).toMatchObject({ key: 'k/2' } satisfies Partial<WatchEvent>)
    expect(await store.leases.keepAlive(lease.id)).toEqual(lease)
    expect(lock.signal.aborted).toBe(false)
    await putSurely(store, 'k/3', 'guarded')
    await lock[Symbol.asyncDispose]()
    const again = await new Mutex(store, 'jobs').lock({ ttlMs: 20_000, timeoutMs: 5_000 })
    expect(again.token > lock.token).toBe(true)
    await again[Symbol.asyncDispose]()
  })

  test('a write that was under way is refused for certain, or unknown, and never made twice', async () => {
    cluster = await Cluster.start()
    store = await connect({ endpoints: cluster.endpoints })
    const writes = Array.from({ length: 200 }, (_, nth) => store.put(`k/${nth}`, 'x'))
    const outcomes = Promise.allSettled(writes)
    await cluster.kill('a')
    const settled = await outcomes
    const { items } = await store.range({ prefix: 'k/' })
    const written = new Set(items.map(({ key }) => key))
    for (const [nth, outcome] of settled.entries()) {
      const key = `k/${nth}`
      if (outcome.status === 'fulfilled') expect(written).toContain(key)
      else if (!isStoreError(outcome.reason)) throw outcome.reason
      else if (outcome.reason.outcome === 'refused') expect(written).not.toContain(key)
    }
    expect(items.every(({ version }) => version === 1)).toBe(true)
  })
})

describe('moveLeader()', () => {
  test('finds the leader among its endpoints, and goes nowhere else, whatever URLs members say they have', async () => {
    let visits = 0
    const stranger = createServer((socket) => {
      visits += 1
      socket.destroy()
    })
    stranger.listen(0, '127.0.0.1')
    await once(stranger, 'listening')
    const { port } = stranger.address() as AddressInfo
    const cluster = await Cluster.start([`http://127.0.0.1:${port}`])
    const store = await connect({ endpoints: cluster.endpoints })
    try {
      for (const name of [...NAMES, ...NAMES]) {
        await store.cluster.moveLeader(name)
        expect(cluster.members.get(name)?.store.status().role).toBe('leader')
      }
      expect((await store.cluster.list()).map(({ clientUrls }) => clientUrls)).toContainEqual([
        `http://127.0.0.1:${port}`,
      ])
      expect(visits).toBe(0)
    } finally {
      await store.close()
      await cluster.close()
      stranger.close()
    }
  })
})

/** Again, where it is not known whether it was done. */
async function putSurely(store: Store, key: string, value: string): Promise<void> {
  for (;;) {
    try {
      await store.put(key, value)
      return
    } catch (error) {
      if (!isStoreError(error) || !error.retryable) throw error
    }
  }
}

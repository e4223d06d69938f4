import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { put } from '../../src/api/operations.js'
import type { Store } from '../../src/api/store.js'
import { open } from '../../src/store/open.js'
import type { StoreHarness } from '../../src/testing/conformance/declare.js'
import { storeConformance } from '../../src/testing/conformance/store.js'
import { RunningWorld } from './clusters.js'

/** Leases of one second, so that waiting for the end of one takes no longer. */
const TIMES = { electionTimeoutMs: 500, heartbeatIntervalMs: 100 }

/** Others could reach it: without that nobody can be added to it. */
const reachable = { listen: '127.0.0.1:0', advertise: '127.0.0.1:7001' }

describe('a cluster of one in memory', () => {
  storeConformance({
    test,
    harness: async () => ({ store: await open({ ...TIMES, ...reachable, durability: 'none' }) }),
  })
})

describe('a cluster of one on disk', () => {
  storeConformance({
    test,
    harness: async () => {
      const dataDir = await mkdtemp(join(tmpdir(), 'quorate-store-'))
      // Small, so that the state is written while the tests run and history is read from disk.
      const store = await open({ ...TIMES, ...reachable, dataDir, stateBufferBytesMax: 2_000 })
      return { store, dispose: () => rm(dataDir, { recursive: true, force: true }) }
    },
  })
})

describe.each(['follower', 'leader'] as const)('the %s of three members', (role) => {
  storeConformance({
    test,
    harness: async () => {
      const world = await RunningWorld.start({ open: { stateBufferBytesMax: 20_000, logRetainBytes: 20_000 } })
      for (const each of [world.leader, ...world.followers]) await each.ready()
      const store = role === 'leader' ? world.leader : world.followers[0]
      if (store === undefined) throw new Error(`there is no ${role}`)
      return { store, dispose: () => world.halt() }
    },
  })
})

/** With the highest byte at its end: what lies behind it does not begin with the byte after. */
const PREFIX = Buffer.from('t\xff', 'latin1')
/** Before it, right before and right behind its keys, and under prefixes of it. */
const AROUND = ['a', 't', 't\xfe\xff', 't\xff', 'u', 'u\0', '\xff'].map((key) => Buffer.from(key, 'latin1'))

/** A namespace of a store that has other keys, which are what they were when the test is over. */
async function namespaceOf(store: Store, dispose: () => Promise<void>): Promise<StoreHarness> {
  const { revision } = await store.txn({ success: AROUND.map((key) => put(key, 'around')) })
  const untouched = async (): Promise<void> => {
    for (const key of AROUND) expect(await store.get(key)).toMatchObject({ modRevision: revision })
    const { items } = await store.range({ all: true })
    const inside = items.filter(({ keyBytes }) => Buffer.from(keyBytes).indexOf(PREFIX) === 0)
    expect(items.length - inside.length).toBe(AROUND.length - 1)
    await dispose()
  }
  return { store: store.namespace(PREFIX), revision, prefixBytes: PREFIX.length, closes: 'handle', dispose: untouched }
}

describe('a namespace of a store in memory', () => {
  storeConformance({
    test,
    harness: async () => {
      const store = await open({ ...TIMES, ...reachable, durability: 'none' })
      return namespaceOf(store, () => store.close())
    },
  })
})

describe('a namespace of the follower of three members', () => {
  storeConformance({
    test,
    harness: async () => {
      const world = await RunningWorld.start({ open: { stateBufferBytesMax: 20_000, logRetainBytes: 20_000 } })
      for (const each of [world.leader, ...world.followers]) await each.ready()
      const [follower] = world.followers
      if (follower === undefined) throw new Error('there is no follower')
      return namespaceOf(follower, () => world.halt())
    },
  })
})

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { open } from '../../src/store/open.js'
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

/** The suite of the recipes over every kind of store that there is. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'vitest'
import { open } from 'quorate'
import { recipeConformance } from 'quorate/testing'
import { RunningWorld } from '../store/clusters.js'

/** Leases of one second, so that waiting for the end of one takes no longer. */
const TIMES = { electionTimeoutMs: 500, heartbeatIntervalMs: 100 }

describe('a cluster of one in memory', () => {
  recipeConformance({ test, harness: async () => ({ store: await open(TIMES) }) })
})

describe('a cluster of one on disk', () => {
  recipeConformance({
    test,
    harness: async () => {
      const dataDir = await mkdtemp(join(tmpdir(), 'quorate-recipes-'))
      const store = await open({ ...TIMES, dataDir, stateBufferBytesMax: 2_000 })
      return { store, dispose: () => rm(dataDir, { recursive: true, force: true }) }
    },
  })
})

describe('a follower of three members', () => {
  recipeConformance({
    test,
    harness: async () => {
      const world = await RunningWorld.start()
      for (const each of [world.leader, ...world.followers]) await each.ready()
      const [store] = world.followers
      if (store === undefined) throw new Error('there is no follower')
      return { store, dispose: () => world.halt() }
    },
  })
})

describe('a namespace of a store', () => {
  recipeConformance({
    test,
    harness: async () => {
      const store = await open(TIMES)
      return { store: store.namespace('tenants/42/'), closes: 'handle', dispose: () => store.close() }
    },
  })
})

/** To forget history takes the role root, which a service has no need of. */
const ofOperators = /compacted/

describe('the handle of a user who may read and write', () => {
  recipeConformance({
    test: (name, body) => {
      if (!ofOperators.test(name)) test(name, body)
    },
    harness: async () => {
      const owner = await open(TIMES)
      const { users, roles } = owner.auth
      await roles.add('service')
      await roles.grant('service', { type: 'readwrite', all: true })
      for (const name of ['root', 'service']) {
        await users.add(name, { noPassword: true })
        await users.grantRole(name, name)
      }
      await owner.auth.enable()
      return { store: owner.as({ user: 'service' }), dispose: () => owner.close() }
    },
  })
})

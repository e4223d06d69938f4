/** Leases of three members in virtual time, while leaders change, stall and are cut off, looked at by the checkers. */
import { afterEach, describe, expect, test } from 'vitest'
import type { Store } from '../../src/api/store.js'
import { isStoreError } from '../../src/base/errors.js'
import { LIMITS } from '../../src/base/limits.js'
import type { MemberEvent } from '../../src/member/event.js'
import { FRAME_KIND } from '../../src/member/wire/frame-kind.js'
import { Checkers } from '../../src/testing/checkers/checkers.js'
import { RunningWorld } from './clusters.js'

const ELECTION_MS = 500
const INTERVAL_MS = 4_000
/** A turn, a round trip, a write. */
const PROMPT_MS = 100

interface Scene {
  readonly world: RunningWorld
  readonly checkers: Checkers
  /** What members said of leases, with the time of the world. */
  readonly told: { readonly atMs: number; readonly event: MemberEvent }[]
  /** Frames sent, by kind. */
  readonly frames: number[]
}

let scene: Scene | undefined

async function play(seed = 1): Promise<Scene> {
  const checkers = new Checkers({ leaseLengthenedMsMax: INTERVAL_MS })
  const told: Scene['told'] = []
  const frames: number[] = []
  const world: RunningWorld = await RunningWorld.start({
    seed,
    open: (name) => {
      const look = checkers.observer(name)
      return {
        electionTimeoutMs: ELECTION_MS,
        leaseCheckpointIntervalMs: INTERVAL_MS,
        observe: (event) => {
          look(event)
          if (event.type.startsWith('lease')) told.push({ atMs: world.nowMs, event })
        },
      }
    },
    observe: (happened) => {
      if (happened.subject !== 'network' || happened.event.type !== 'sent') return
      const { kind } = happened.event
      frames[kind] = (frames[kind] ?? 0) + 1
    },
  })
  scene = { world, checkers, told, frames }
  return scene
}

afterEach(async () => {
  await scene?.world.halt()
  scene?.checkers.check()
})

/** Another member leads; the one that led comes back. When nobody led. */
async function crashLeader(world: RunningWorld): Promise<{ readonly fromMs: number; readonly toMs: number }> {
  const before = world.place(world.leader.status().name)
  const term = world.leader.status().term
  const fromMs = world.nowMs
  world.crash(before)
  await world.until(() => world.statuses().some((status) => status.role === 'leader' && status.term > term))
  const toMs = world.nowMs
  world.start(before)
  await world.until(() => before.store !== undefined)
  return { fromMs, toMs }
}

/** When the key goes. */
async function gone(world: RunningWorld, store: Store, key: string): Promise<number> {
  for await (const { type } of store.watch(key)) if (type === 'delete') return world.nowMs
  throw new Error('the watch ended')
}

async function leaseOn(store: Store, key: string, ttlMs: number): Promise<bigint> {
  const { id } = await store.leases.grant({ ttlMs })
  await store.put(key, 'x', { lease: id })
  return id
}

describe('a change of leader', () => {
  test.each([1_990, 5_000, 9_999, 19_500])(
    'neither shortens a lease that nobody renews, nor lengthens it beyond the bound (after %d ms)',
    async (afterMs) => {
      const { world } = await play()
      const ttlMs = 20_000
      const grantedMs = world.nowMs
      const follower = world.followers[0] as Store
      await leaseOn(follower, 'key', ttlMs)
      await world.pass(grantedMs + afterMs - world.nowMs)
      const { fromMs, toMs } = await crashLeader(world)
      const endedMs = await gone(world, world.leader, 'key')
      expect(endedMs - grantedMs).toBeGreaterThanOrEqual(ttlMs)
      const lengthenedMs = endedMs - grantedMs - ttlMs - (toMs - fromMs)
      expect(lengthenedMs).toBeLessThanOrEqual(INTERVAL_MS + ELECTION_MS + PROMPT_MS)
    },
  )

  test.each([0, 1, 3, 5, 9])('loses no renewal that was told (%d ms after it was asked for)', async (afterMs) => {
    const { world, told } = await play(afterMs + 1)
    const ttlMs = 20_000
    const follower = world.followers[0] as Store
    const id = await leaseOn(follower, 'key', ttlMs)
    await world.pass(12_000)
    expect(told.some(({ event }) => event.type === 'leases-checkpointed')).toBe(true)
    const askedMs = world.nowMs
    const renewed = follower.leases.keepAlive(id, { timeoutMs: 200 }).then(
      () => true,
      () => false,
    )
    await world.pass(afterMs)
    await crashLeader(world)
    const endedMs = await gone(world, world.leader, 'key')
    // Told or not: whoever leads next gives it at least what the log says was left.
    expect(endedMs - askedMs).toBeGreaterThanOrEqual((await renewed) ? ttlMs : ttlMs - 12_000)
  })

  test('one after the other, do not let a lease live on that nobody renews', async () => {
    const { world } = await play()
    const grantedMs = world.nowMs
    await leaseOn(world.leader, 'key', 15_000)
    let noneMs = 0
    for (let nth = 0; nth < 4; nth++) {
      await world.pass(3_000)
      const { fromMs, toMs } = await crashLeader(world)
      noneMs += toMs - fromMs
    }
    while (world.leader.status().revision < 3) await world.pass(50)
    const lengthenedMs = world.nowMs - grantedMs - 15_000 - noneMs
    expect(lengthenedMs).toBeLessThanOrEqual(4 * (INTERVAL_MS / 2 + ELECTION_MS + PROMPT_MS))
  })
})

describe('no lease that is renewed ends', () => {
  const disturbances: [string, (world: RunningWorld) => Promise<void>][] = [
    [
      'while the leader is stopped and goes on',
      async (world) => {
        const place = world.place(world.leader.status().name)
        world.pause(place)
        await world.pass(15_000)
        world.resume(place)
        await world.pass(5_000)
      },
    ],
    [
      'while the clock of the leader stands still',
      async (world) => {
        const { clock } = world.place(world.leader.status().name)
        clock.freeze()
        await world.pass(15_000)
        clock.thaw()
        await world.pass(5_000)
      },
    ],
    [
      'when wall clocks are set, forward and back',
      async (world) => {
        for (const byMs of [86_400_000, -3 * 86_400_000, 3_600_000]) {
          for (const { clock } of world.places) clock.jumpWall(byMs)
          await world.pass(3_000)
        }
      },
    ],
    [
      'while the leader is cut off, and takes itself for the leader',
      async (world) => {
        world.isolate(world.leader.status().name)
        await world.pass(12_000)
        world.network.healAll()
        await world.pass(3_000)
      },
    ],
  ]

  test.each(disturbances)('%s', async (_name, disturb) => {
    const { world } = await play()
    const disturbed = world.leader.status().name
    const other = world.followers[0] as Store
    const id = await leaseOn(other, 'key', 8_000)
    let over = false
    const renewing = (async () => {
      while (!over) {
        await other.leases.keepAlive(id)
        await world.pass(1_500)
      }
    })()
    await disturb(world)
    over = true
    await renewing
    expect((await other.get('key'))?.lease).toBe(id)
    expect((await world.store(disturbed).get('key'))?.lease).toBe(id)
    await gone(world, other, 'key')
  })

  test('by the word of a leader that was cut off: it answers nobody, and ends nothing', async () => {
    const { world } = await play()
    const { leader } = world
    const other = world.followers[0] as Store
    const id = await leaseOn(other, 'key', 4_000)
    world.isolate(leader.status().name)
    const asked = leader.leases.keepAlive(id, { timeoutMs: 6_000 }).catch((error: unknown) => error)
    for (let nth = 0; nth < 4; nth++) {
      await other.leases.keepAlive(id)
      await world.pass(1_600)
    }
    expect(isStoreError(await asked, 'TIMEOUT')).toBe(true)
    world.network.healAll()
    expect((await leader.leases.keepAlive(id)).ttlMs).toBe(4_000)
    expect((await leader.get('key'))?.lease).toBe(id)
  })
})

describe('renewals that come together', () => {
  test('cost one frame each way, however many they are', async () => {
    const { world, frames } = await play()
    const follower = world.followers[0] as Store
    const leases = await Promise.all(Array.from({ length: 300 }, () => follower.leases.grant({ ttlMs: 8_000 })))
    const before = [...frames]
    await Promise.all(leases.map(({ id }) => follower.leases.keepAlive(id)))
    const sent = (kind: number) => (frames[kind] ?? 0) - (before[kind] ?? 0)
    expect([sent(FRAME_KIND.call), sent(FRAME_KIND.reply)]).toEqual([1, 1])
  })

  test('cost one entry of the log where it has to know of them, and none else', async () => {
    const { world, frames } = await play()
    const follower = world.followers[0] as Store
    const leases = await Promise.all(Array.from({ length: 100 }, () => follower.leases.grant({ ttlMs: 60_000 })))
    const renewAll = async (): Promise<number> => {
      const before = world.leader.status().log.lastIndex
      await Promise.all(leases.map(({ id }) => follower.leases.keepAlive(id)))
      return world.leader.status().log.lastIndex - before
    }
    expect(await renewAll()).toBe(0)
    await world.pass(INTERVAL_MS / 2 + PROMPT_MS)
    const before = [...frames]
    expect(await renewAll()).toBe(1)
    expect((frames[FRAME_KIND.reply] ?? 0) - (before[FRAME_KIND.reply] ?? 0)).toBe(1)
    expect(await renewAll()).toBe(0)
  })
})

describe('many leases that end at once', () => {
  test('end one after the other, and hold up nobody', async () => {
    const { world, told } = await play()
    const { leader } = world
    const count = 1_300
    await Promise.all(Array.from({ length: count }, () => leader.leases.grant({ ttlMs: 2_000 })))
    await world.until(() => told.some(({ event }) => event.type === 'leases-expired'))
    const beganMs = world.nowMs
    let slowestMs = 0
    while ((await leader.leases.list({ consistency: 'local' })).length > 0) {
      const putMs = world.nowMs
      await leader.put('key', 'x')
      slowestMs = Math.max(slowestMs, world.nowMs - putMs)
      await world.pass(20)
    }
    expect(slowestMs).toBeLessThan(PROMPT_MS)
    expect(world.nowMs - beganMs).toBeGreaterThan((count / LIMITS.leaseExpiriesPerSecondMax - 0.2) * 1_000)
    expect(world.nowMs - beganMs).toBeLessThan((count / LIMITS.leaseExpiriesPerSecondMax + 0.5) * 1_000)
    const ended = told.flatMap(({ atMs, event }) =>
      event.type === 'leases-expired' ? event.leases.map(() => atMs - beganMs) : [],
    )
    expect(ended.filter((ms) => ms < 1_000).length).toBeLessThanOrEqual(
      LIMITS.leaseExpiriesPerSecondMax + LIMITS.leaseExpiriesPerTurnMax,
    )
  })
})

describe('every member', () => {
  test('lists the leases, and the keys of each', async () => {
    const { world } = await play()
    const { leader, followers } = world
    const [one, other] = followers as [Store, Store]
    await one.leases.grant({ ttlMs: 60_000, id: -5n })
    await leader.leases.grant({ ttlMs: 60_000, id: 3n })
    for (const key of ['b', 'c', 'a']) await other.put(key, 'x', { lease: 3n })
    for (const store of [leader, one, other]) {
      expect(await store.leases.list()).toEqual([-5n, 3n])
      const status = await store.leases.timeToLive(3n, { keys: true })
      expect(status?.keys?.map(({ key }) => key)).toEqual(['a', 'b', 'c'])
    }
    await one.leases.revoke(3n)
    expect(await other.leases.list()).toEqual([-5n])
    expect(await other.leases.timeToLive(3n, { keys: true })).toBeUndefined()
  })
})

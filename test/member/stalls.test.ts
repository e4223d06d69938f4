/** An event loop that stands still: what a leader takes for granted when it wakes, which is nothing. */
import { describe, expect, test } from 'vitest'
import { SILENT } from '../../src/base/logger.js'
import type { MemberEvent } from '../../src/member/event.js'
import { LoopTimes } from '../../src/member/loop-times.js'
import { StallPace } from '../../src/member/stall-pace.js'
import { Checkers } from '../../src/testing/checkers/checkers.js'
import { RunningWorld } from '../store/clusters.js'

const ELECTION_TIMEOUT_MS = 1_000
const HEARTBEAT_MS = 100

/** A world with every check of the swarm, and what the leader tells from here on. */
async function watched(seed = 1) {
  const checkers = new Checkers({ electionTimeoutMs: ELECTION_TIMEOUT_MS })
  const told: MemberEvent[] = []
  const warnings: string[] = []
  let heard = ''
  const warn = (message: string): void => void warnings.push(message)
  const world = await RunningWorld.start({
    seed,
    logger: () => ({ ...SILENT, warn, info: warn }),
    open: (name) => {
      const check = checkers.observer(name)
      const observe = (event: MemberEvent): void => {
        check(event)
        if (name === heard) told.push(event)
      }
      return { observe }
    },
  })
  const { leader } = world
  heard = leader.status().name
  return { world, leader, place: world.place(heard), checkers, told, warnings }
}

describe('a leader that stands still for longer than an election timeout', () => {
  test('leads no more before it handles what waited, and serves nothing that is stale', async () => {
    for (const seed of [1, 2]) {
      const { world, leader, place, checkers, told } = await watched(seed)
      await leader.put('key', 'before')
      world.pause(place)
      const under = leader.get('key')
      await world.until(() => world.followers.some((store) => store.status().leader !== leader.status().name))
      await world.until(() => world.statuses().some(({ role, name }) => role === 'leader' && name !== place.name))
      const other = world.places.find(({ store }) => store?.status().role === 'leader' && store !== leader)?.store
      await other?.put('key', 'of the next leader')
      // Asked after that write was acknowledged, of a member that still takes itself for the leader.
      expect(leader.status().role).toBe('leader')
      const after = leader.get('key')
      told.length = 0
      world.resume(place)
      expect((await after)?.text()).toBe('of the next leader')
      await under
      const types = told.map((event) => (event.type === 'decided' ? event.event.type : event.type))
      expect(types[0]).toBe('stalled')
      expect(types.indexOf('became-follower')).toBeGreaterThan(0)
      expect(types.indexOf('became-follower')).toBeLessThan(types.indexOf('message-received'))
      const { stalls, lastStallMs, maxMs } = leader.status().eventLoop
      expect(stalls).toBe(1)
      expect(lastStallMs).toBeGreaterThan(ELECTION_TIMEOUT_MS - HEARTBEAT_MS)
      expect(maxMs).toBeGreaterThanOrEqual(ELECTION_TIMEOUT_MS - HEARTBEAT_MS)
      checkers.check()
      await world.halt()
    }
  })

  test('alone in its cluster goes on, and ends no lease that was renewed meanwhile', async () => {
    const world = await RunningWorld.start({ members: ['a'] })
    const { leader } = world
    const { id } = await leader.leases.grant({ ttlMs: 2_000 })
    world.pause(world.place('a'))
    const renewal = leader.leases.keepAlive(id)
    await world.pass(1_900)
    world.resume(world.place('a'))
    await renewal
    await world.pass(1_900)
    expect((await leader.leases.timeToLive(id))?.id).toBe(id)
    await world.halt()
  })
})

test('a leader whose loop stands still again and again loses no lease that is renewed in time', async () => {
  for (const seed of [4, 5]) {
    const { world, leader, place, checkers } = await watched(seed)
    const [follower] = world.followers
    if (follower === undefined) throw new Error('nobody follows')
    const ttlMs = 3_000
    const { id } = await leader.leases.grant({ ttlMs })
    world.lag(place, 900)
    // A naive owner: renews every third of the time, and believes what it is told, from when it asked.
    let heldUntilMs = world.nowMs + ttlMs
    for (let round = 0; round < 12; round++) {
      const askedMs = world.nowMs
      const renewal = follower.leases.keepAlive(id, { timeoutMs: 60_000 }).then((lease) => {
        heldUntilMs = Math.max(heldUntilMs, askedMs + lease.ttlMs)
      })
      await Promise.all([renewal, world.pass(ttlMs / 3)])
      expect(world.nowMs).toBeLessThan(heldUntilMs)
    }
    world.lag(place, 0)
    expect(await follower.leases.timeToLive(id)).toMatchObject({ id })
    checkers.check()
    await world.halt()
  }
})

test('a leader whose loop stands still again and again hands over to another member, and says so', async () => {
  const { world, leader, place, warnings } = await watched()
  world.lag(place, 400)
  await world.until(() => leader.status().role !== 'leader')
  expect(warnings.join()).toContain('stands still again and again')
  const { term } = world.leader.status()
  await world.pass(5 * ELECTION_TIMEOUT_MS)
  expect(world.leader.status()).toMatchObject({ role: 'leader', term })
  await world.halt()
})

test('a wall clock that gets ahead of the monotonic one, as in suspend, is noticed', async () => {
  const { world, place, warnings } = await watched()
  place.clock.jumpWall(-3_600_000)
  await world.pass(2 * ELECTION_TIMEOUT_MS)
  expect(warnings.join()).not.toContain('wall clock')
  place.clock.jumpWall(500)
  await world.pass(2 * HEARTBEAT_MS)
  expect(warnings.join()).toContain('the wall clock got ahead of the monotonic one')
  await world.halt()
})

test('leadership is offered after four stalls within ten election timeouts, by who has led for as long, and once in that time', () => {
  const pace = new StallPace(ELECTION_TIMEOUT_MS)
  expect(pace.stallMs).toBe(250)
  pace.stalled(0)
  expect(pace.shouldHandOver(100_000)).toBe(false)
  pace.lead(0)
  for (const atMs of [1_000, 2_000, 3_000, 4_000]) pace.stalled(atMs)
  expect(pace.shouldHandOver(4_000)).toBe(false)
  expect(pace.shouldHandOver(10_000)).toBe(true)
  expect(pace.shouldHandOver(10_000)).toBe(false)
  for (const atMs of [15_000, 18_000, 21_000]) pace.stalled(atMs)
  expect(pace.shouldHandOver(21_000)).toBe(false)
  pace.stalled(26_000)
  expect(pace.shouldHandOver(26_000)).toBe(false)
  pace.stalled(26_500)
  pace.stalled(27_000)
  expect(pace.shouldHandOver(27_000)).toBe(true)
  pace.follow()
  expect(pace.shouldHandOver(Number.MAX_SAFE_INTEGER)).toBe(false)
})

test('what is told of the last minute forgets what came before, and counts what the system measured', () => {
  const times = new LoopTimes(20_000)
  expect(times.summary).toEqual({ p99Ms: undefined, maxMs: undefined, stalls: 0, lastStallMs: undefined })
  for (const lateMs of [500, 1, 2]) times.add(lateMs, 0)
  expect(times.summary).toMatchObject({ p99Ms: 500, maxMs: 500 })
  times.add(3, 60_000)
  expect(times.summary).toMatchObject({ p99Ms: 3, maxMs: 3 })
  const measured = [{ p99Ms: 7, maxMs: 40 }, undefined, { p99Ms: 5, maxMs: 6 }]
  times.start({ take: () => measured.shift(), stop: () => undefined })
  for (const atMs of [70_000, 80_000, 90_000]) times.add(1, atMs)
  expect(times.summary).toMatchObject({ p99Ms: 7, maxMs: 40 })
  times.stalled(900)
  expect(times.summary).toMatchObject({ stalls: 1, lastStallMs: 900 })
})

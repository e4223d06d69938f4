/** What `close()` does for the calls that are under way, and that it always ends in time. */
import { describe, expect, test } from 'vitest'
import { isStoreError } from '../../src/base/errors.js'
import type { WorldOptions } from '../../src/testing/sim/world.js'
import { RunningWorld } from './clusters.js'

const HEARTBEAT_MS = 100
const ELECTION_TIMEOUT_MS = 1_000
const DRAIN_MS = 2 * ELECTION_TIMEOUT_MS

const codeOf = (error: unknown): string => (isStoreError(error) ? error.code : String(error))

/** `ok`, or the code that each of them ended with. */
async function endings(calls: readonly Promise<unknown>[]): Promise<readonly string[]> {
  return Promise.all(calls.map((call) => call.then(() => 'ok', codeOf)))
}

async function during(world: RunningWorld, work: () => Promise<unknown>): Promise<number> {
  const beganMs = world.nowMs
  await work()
  return world.nowMs - beganMs
}

const started = (options: Partial<WorldOptions> = {}): Promise<RunningWorld> => RunningWorld.start(options)

describe.each([['leader'], ['follower']] as const)('a %s that is closed', (who) => {
  test('answers the calls that are under way, and refuses new ones', async () => {
    const world = await started()
    const { leader } = world
    const { id } = await leader.leases.grant({ ttlMs: 60_000 })
    const store = who === 'leader' ? leader : world.followers[0]
    if (store === undefined) throw new Error('nobody follows')
    const calls = [
      ...Array.from({ length: 50 }, (_, nth) => store.put(`key ${nth}`, 'x')),
      store.get('key 1'),
      store.range({ prefix: 'key' }),
      store.leases.keepAlive(id),
      store.leases.timeToLive(id, { keys: true }),
      store.as({ user: 'ann' }).get('key 2'),
      store.maintenance.check(),
    ]
    const ended = endings(calls)
    const closing = store.close()
    expect(store.status()).toMatchObject({ closing: true })
    expect(await endings([store.put('late', 'x'), store.get('late'), store.ready()])).toEqual(Array(3).fill('CLOSED'))
    expect(() => store.watch('late')).toThrow(expect.objectContaining({ code: 'CLOSED' }))
    expect(await ended).toEqual(calls.map(() => 'ok'))
    const tookMs = await during(world, () => closing)
    expect(tookMs).toBeLessThan(HEARTBEAT_MS)
    expect(store.status()).toMatchObject({ role: 'stopped', closing: false })
    expect((await world.leader.range({ prefix: 'key' })).count).toBe(50)
    await world.halt()
  })
})

test('watches see what the last calls did, and end then', async () => {
  const world = await started()
  const { leader } = world
  const revisions: number[] = []
  const watching = (async () => {
    for await (const { revision } of leader.watch('key')) revisions.push(revision)
  })()
  const ended = endings([watching])
  await leader.put('key', 'before')
  const put = leader.put('key', 'under way')
  await Promise.all([leader.close(), put])
  expect(await ended).toEqual(['CLOSED'])
  expect(revisions).toEqual([2, (await put).revision])
  await world.halt()
})

test('with drainMs 0 nobody is waited for', async () => {
  const world = await started({ open: { drainMs: 0 } })
  const { leader } = world
  const ended = endings([leader.put('key', 'x'), leader.get('key')])
  expect(await during(world, () => leader.close())).toBeLessThan(HEARTBEAT_MS)
  expect(await ended).toEqual(['CLOSED', 'CLOSED'])
  await world.halt()
})

describe('a close ends in time', () => {
  test('in a cluster of one, which answers whoever waits', async () => {
    const world = await started({ members: ['a'] })
    const { leader } = world
    const calls = Array.from({ length: 20 }, (_, nth) => leader.put(`key ${nth}`, 'x'))
    const ended = endings([...calls, leader.get('key 1')])
    expect(await during(world, () => leader.close())).toBeLessThan(HEARTBEAT_MS)
    expect(new Set(await ended)).toEqual(new Set(['ok']))
    await world.halt()
  })

  test.each([
    ['a leader that was cut off', (world: RunningWorld) => world.leader],
    ['a member without a leader', (world: RunningWorld) => world.followers[0] ?? world.leader],
  ])('of %s: at once without calls, after drainMs with one that cannot end', async (_, choose) => {
    for (const waits of [false, true]) {
      const world = await started()
      const store = choose(world)
      world.isolate(store.status().name)
      await world.pass(waits ? 0 : 3 * ELECTION_TIMEOUT_MS)
      const ended = endings(waits ? [store.put('key', 'x', { timeoutMs: 60_000 })] : [])
      const tookMs = await during(world, () => store.close())
      if (waits) expect(tookMs).toBeGreaterThanOrEqual(DRAIN_MS)
      expect(tookMs).toBeLessThan(waits ? DRAIN_MS + HEARTBEAT_MS : HEARTBEAT_MS)
      expect(await ended).toEqual(waits ? ['CLOSED'] : [])
      await world.halt()
    }
  })

  test('of all members at once, with calls on each of them', async () => {
    for (const seed of [1, 2, 3]) {
      const world = await started({ seed })
      const stores = world.places.map(({ name }) => world.store(name))
      const ended = endings(stores.flatMap((store, nth) => [store.put(`key ${nth}`, 'x'), store.get('key')]))
      const tookMs = await during(world, () => Promise.all(stores.map((store) => store.close())))
      // The first two hand over and go; the last one has nobody to hand over to.
      expect(tookMs).toBeLessThan(DRAIN_MS + ELECTION_TIMEOUT_MS + HEARTBEAT_MS)
      expect((await ended).every((code) => code === 'ok' || code === 'CLOSED')).toBe(true)
      await world.halt()
    }
  })

  test('when it is called again while it is under way, and the disk fails meanwhile', async () => {
    const world = await started()
    const { leader } = world
    const { name } = leader.status()
    world.isolate(name)
    const ended = endings([leader.put('key', 'x', { timeoutMs: 60_000 })])
    world.place(name).disk.failNextSync()
    const second = endings([leader.close(), leader.close(), Promise.resolve(leader[Symbol.asyncDispose]())])
    expect(await ended).toEqual(['MEMBER_FAILED'])
    expect(await second).toEqual(Array(3).fill('ok'))
    await world.halt()
  })
})

/** A leader whose disk is slow gives leadership to a member whose disk is not, and the cluster is quick again. */
import { expect, test } from 'vitest'
import { RunningWorld } from './clusters.js'

/** A sync then takes 100 to 1,000 ms, of an election timeout of a second. */
const SLOW = 1_000
const STAY_MS = 10_000

async function slowed(names: (world: RunningWorld) => readonly string[]) {
  const world = await RunningWorld.start()
  await world.pass(STAY_MS + 1_000)
  const { name, term } = world.leader.status()
  for (const each of names(world)) world.place(each).disk.slow(SLOW)
  return { world, name, term }
}

/** A write every 50 ms, through any member, while it holds and for so long at most. */
async function write(world: RunningWorld, forMs: number, until = (): boolean => false): Promise<void> {
  const endMs = world.nowMs + forMs
  const { store = world.leader } = world.place('a')
  const puts: Promise<unknown>[] = []
  for (; world.nowMs < endMs && !until(); await world.pass(50)) puts.push(store.put('key', 'x', { timeoutMs: 20_000 }))
  await Promise.all(puts)
}

test('a leader with a slow disk goes once, to a member that is quick', async () => {
  const { world, name, term } = await slowed((each) => [each.leader.status().name])
  const before = world.store(name)
  const moved = (): boolean => world.statuses().some((each) => each.role === 'leader' && each.name !== name)
  await write(world, 20_000, moved)
  expect(moved()).toBe(true)
  const { name: next } = world.leader.status()
  await write(world, 15_000)
  // One election, and no second one.
  expect(world.leader.status()).toMatchObject({ name: next, term: term + 1 })
  expect(before.status().disk.p99SyncMs).toBeGreaterThan(290)
  await world.halt()
})

test('where all disks are slow leadership stays where it is', async () => {
  const { world, name, term } = await slowed((each) => each.places.map((place) => place.name))
  await write(world, 30_000)
  expect(world.leader.status()).toMatchObject({ name, term, role: 'leader' })
  await world.halt()
})

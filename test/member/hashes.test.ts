/** The hash of history on the members of a cluster: equal where it must be, in little pieces, also during compactions. */
import { expect, test } from 'vitest'
import type { Store } from '../../src/api/store.js'
import { RunningWorld } from '../store/clusters.js'

test('is equal on all members, whatever each has swept and written, and after one of them began anew', async () => {
  const world = await RunningWorld.start({ members: ['a', 'b', 'c'], open: { stateBufferBytesMax: 4000 } })
  const fill = async (rounds: number): Promise<void> => {
    for (let round = 0; round < rounds; round++) {
      await Promise.all(Array.from({ length: 40 }, (_, at) => world.leader.put(`key ${at}`, `${round}`)))
    }
  }
  await fill(8)
  await world.leader.delete({ prefix: 'key 3' })
  const { revision } = world.leader.status()
  const atAll = async (): Promise<unknown[]> => {
    const stores = world.places.map(({ name }) => world.store(name))
    await Promise.all(stores.map((store) => store.ready()))
    return Promise.all(stores.map((store) => store.maintenance.hash({ revision })))
  }
  const distinct = (results: unknown[]): number => new Set(results.map((result) => JSON.stringify(result))).size
  const before = await atAll()
  expect([distinct(before), (before[0] as { compactRevision: number }).compactRevision]).toEqual([1, 0])
  // Some reads begin before this compaction is swept, some while it is.
  const first = world.followers[0] as Store
  await first.compact(revision - 100)
  const during = await atAll()
  await first.compact(revision - 50, { physical: true })
  const [follower] = world.followers as [Store]
  const place = world.place(follower.status().name)
  world.crash(place, 'power')
  world.start(place)
  await world.until(() => place.store !== undefined)
  await fill(3)
  const after = await atAll()
  expect([distinct(during), distinct(after), distinct([during[0], after[0], before[0]])]).toEqual([1, 1, 3])
  await world.halt()
})

test('is not changed by what is written and compacted while it is computed', async () => {
  const world = await RunningWorld.start({ members: ['a'] })
  const store = world.leader
  for (let round = 0; round < 4; round++) {
    await Promise.all(Array.from({ length: 1000 }, (_, at) => store.put(`key ${at}`, `${round}`)))
  }
  const { revision } = store.status()
  const alone = await store.maintenance.hash()
  const hashing = store.maintenance.hash()
  const [during] = await Promise.all([hashing, store.put('meanwhile', 'x'), store.compact(revision)])
  expect(during).toEqual(alone)
  expect((await store.maintenance.hash({ revision })).hash).not.toBe(alone.hash)
  await world.halt()
})

/** Compaction that is waited for, and compaction that a crash interrupts: what is superfluous is gone from the disk, nothing else is. */
import { describe, expect, test } from 'vitest'
import type { Store } from '../../src/api/store.js'
import { decodeRecord, isRecordKey } from '../../src/mvcc/record.js'
import type { Place } from '../../src/testing/sim/world.js'
import { unsealRecord } from '../../src/storage/sealed-record.js'
import { RunningWorld } from '../store/clusters.js'

async function overwrite(store: Store, keys: number, rounds: number): Promise<void> {
  for (let round = 0; round < rounds; round++) {
    await Promise.all(Array.from({ length: keys }, (_, at) => store.put(`key ${at}`, `round ${round}`)))
  }
}

describe('a compaction that is waited for', () => {
  test('has removed what it made superfluous from the disk of the member that was asked, also where it is a follower', async () => {
    const world = await RunningWorld.start({ members: ['a', 'b', 'c'] })
    await overwrite(world.leader, 500, 2)
    const [follower] = world.followers as [Store]
    await follower.compact(world.leader.status().revision, { physical: true })
    const place = world.place(follower.status().name)
    world.crash(place, 'power')
    expect((await recordsOnDisk(place)).length).toBe(500)
    await world.halt()
  })

  test('ends at once where it made nothing superfluous, and with the outcome unknown where the time is over before', async () => {
    const world = await RunningWorld.start({ members: ['a'] })
    const store = world.leader
    await overwrite(store, 20, 1)
    await store.compact(10, { physical: true })
    await overwrite(store, 1000, 3)
    const { revision } = store.status()
    // A read of many records holds the sweep.
    const reading = store.range({ all: true })
    await expect(store.compact(revision, { physical: true, timeoutMs: 1 })).rejects.toMatchObject({
      code: 'TIMEOUT',
      outcome: 'unknown',
    })
    expect((await reading).count).toBe(1000)
    expect(store.status().compactRevision).toBe(revision)
    await world.halt()
  })
})

describe('a member that falls in the middle of a compaction', () => {
  const unfinished = new Set<number>()

  test.each([0, 1, 2, 3, 4, 5, 6])('%i events into it finishes it when it is back', async (events) => {
    // Each removal soon goes to the disk, in one of many writes.
    const world = await RunningWorld.start({ members: ['a'], open: () => ({ stateBufferBytesMax: 10_000 }) })
    const store = world.leader
    await overwrite(store, 60, 20)
    await Promise.all(Array.from({ length: 30 }, (_, at) => store.delete(`key ${at}`)))
    const { revision } = store.status()
    await world.halt()
    let compacted = false
    store.compact(revision).then(
      () => (compacted = true),
      () => undefined,
    )
    await world.run(() => compacted, 10_000)
    for (let event = 0; event < events; event++) await world.scheduler.step()
    const [place] = world.places as [Place]
    world.crash(place, 'power')
    // With nobody alive the world comes to its end; this keeps it going while the disk is looked at.
    const kept = world.pass(60_000)
    world.go()
    unfinished.add((await recordsOnDisk(place)).length)
    world.start(place)
    await world.until(() => place.store?.status().role === 'leader')
    const reopened = world.store('a')
    // What the state on disk does not have yet is applied again.
    await reopened.ready()
    // The compaction is the last thing that happened: the newest revisions are tombstones, and all but one are gone.
    expect(reopened.status()).toMatchObject({ revision, compactRevision: revision })
    await world.pass(1000)
    world.crash(place, 'power')
    const left = await recordsOnDisk(place)
    expect(left.filter(({ type }) => type === 'delete').map(({ id }) => id.main)).toEqual([revision])
    expect(left.filter(({ type }) => type === 'put').length).toBe(30)
    await kept
    await world.halt()
  })

  test('was met before it, in the middle of it and after it', () => {
    expect(unfinished.size).toBeGreaterThan(2)
    expect(Math.min(...unfinished)).toBe(31)
  })
})

async function recordsOnDisk(place: Place) {
  const disk = place.disk.mount()
  await disk.acquire({ create: false })
  const database = await disk.openDatabase('state', { create: false })
  const records = await database.iterator().all()
  await database.close()
  await disk.release()
  return records.filter(([key]) => isRecordKey(key)).map(([key, sealed]) => decodeRecord(unsealRecord(key, sealed)))
}

/** A compaction is finished by whoever has nothing else to do. */
import { describe, expect, test } from 'vitest'
import { isRecordKey } from '../../src/mvcc/record.js'
import type { Place } from '../../src/testing/sim/world.js'
import { RunningWorld } from '../store/clusters.js'

const KEYS = 1500

describe.each([[['a']], [['a', 'b', 'c']]])('an idle cluster of %s', (members) => {
  test('finishes a compaction without any further write, and comes to rest', async () => {
    const world = await RunningWorld.start({ members })
    for (let round = 0; round < 3; round++) {
      await Promise.all(Array.from({ length: KEYS }, (_, at) => world.leader.put(`key ${at}`, `round ${round}`)))
    }
    const idle = await eventsOfOneSecond(world)
    const { log, revision } = world.leader.status()
    await world.leader.compact(revision)
    await world.halt()
    const swept = () => world.statuses().every(({ stateWrites }) => stateWrites === 1)
    expect(await world.run(swept, 1000)).toBe(true)
    world.go()
    // Heartbeats only, of which one more or less may fall into the second.
    expect(await eventsOfOneSecond(world)).toBeLessThan(idle * 1.1)
    // The compaction was the last entry, and what it took to finish it was one write of the state.
    expect(world.statuses().map((status) => status.log.lastIndex)).toEqual(members.map(() => log.lastIndex + 1))
    expect(world.statuses().map(({ stateWrites }) => stateWrites)).toEqual(members.map(() => 1))
    for (const place of world.places) {
      // Only what is durable counts.
      world.crash(place, 'power')
      expect(await recordsOnDisk(place)).toBe(KEYS)
    }
    await world.halt()
  })
})

async function eventsOfOneSecond(world: RunningWorld): Promise<number> {
  await world.pass(1000)
  const before = world.scheduler.events
  await world.pass(1000)
  return world.scheduler.events - before
}

async function recordsOnDisk(place: Place): Promise<number> {
  const disk = place.disk.mount()
  await disk.acquire({ create: false })
  const database = await disk.openDatabase('state', { create: false })
  const keys = await database.keys().all()
  await database.close()
  await disk.release()
  return keys.filter(isRecordKey).length
}

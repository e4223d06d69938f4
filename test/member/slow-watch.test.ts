/** What one slow watch costs the others: nothing, to the event. */
import { expect, test } from 'vitest'
import { RunningWorld } from '../store/clusters.js'

const WATCHES = 50
const WRITES = 100

/** When each of many watches was told of each write, in virtual time. */
async function timesOf(slow: boolean): Promise<string[]> {
  // Each value is large: the queue of one who does not read is full after a few.
  const world = await RunningWorld.start({ members: ['a'] })
  const store = world.leader
  const times: string[] = []
  const idle = slow ? store.watch({ all: true }) : undefined
  const watches = Array.from({ length: WATCHES }, (_, at) => store.watch(`k${at}`))
  const loops = watches.map(async (watch, at) => {
    for await (const { revision } of watch) times.push(`${at}: ${revision} at ${world.scheduler.clock.monotonicMs()}`)
  })
  const value = new Uint8Array(64 * 1024)
  for (let at = 0; at < WRITES; at++) await store.put(`k${at % WATCHES}`, value)
  await world.pass(10)
  for (const watch of watches) await watch.close()
  await Promise.all(loops)
  if (idle !== undefined) {
    let seen = 0
    for await (const { revision } of idle) {
      expect(revision).toBe(++seen + 1)
      if (seen === WRITES) break
    }
  }
  await world.halt()
  return times
}

test('others are told of each write at the very moment at which they would be told without it', async () => {
  const times = await timesOf(true)
  expect(times.length).toBe(WRITES)
  expect(times).toEqual(await timesOf(false))
})

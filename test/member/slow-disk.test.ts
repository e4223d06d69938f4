/** A member whose disk takes seconds for a sync: slow, and no slower for being slow. */
import { expect, test } from 'vitest'
import { SILENT } from '../../src/base/logger.js'
import { seededRandom } from '../../src/base/seeded-random.js'
import type { Store } from '../../src/api/store.js'
import { open } from '../../src/store/open.js'
import { SimDisk } from '../../src/testing/sim/sim-disk.js'
import { SimScheduler } from '../../src/testing/sim/scheduler.js'

test('a leader puts a write into its log once, however long it takes to commit', async () => {
  const scheduler = new SimScheduler()
  const timers = scheduler.timersOf()
  const disk = new SimDisk({ timers, seed: 1, latency: { sync: [3_000, 3_000] } })
  const environment = { clock: scheduler.clock, timers, random: seededRandom(2), logger: SILENT }
  let store: Store | undefined
  void open({ disk: disk.mount(), environment }).then((opened) => (store = opened))
  await scheduler.runUntil(() => store?.status().role === 'leader', 60_000)

  const revisions: number[] = []
  for (let nth = 0; nth < 3; nth++) {
    void store?.put('key', `${nth}`, { timeoutMs: 60_000 }).then(({ revision }) => revisions.push(revision))
    await scheduler.runUntil(() => false, 700)
  }
  await scheduler.runUntil(() => revisions.length === 3, 60_000)
  expect(revisions).toEqual([2, 3, 4])
  // One more than writes: what a leader begins its term with.
  expect(store?.status().log.lastIndex).toBe(4)
})

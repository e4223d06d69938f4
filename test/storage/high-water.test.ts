import fc from 'fast-check'
import { expect, test } from 'vitest'
import { crc32 } from '../../src/base/checksum.js'
import { DiskHealth } from '../../src/storage/disk-health.js'
import { HighWater, NO_MARK, newHighWater, readHighWater, salvageMark } from '../../src/storage/high-water.js'
import type { LogHead } from '../../src/storage/log-head.js'
import { drainMicrotasks } from '../../src/runtime/event-loop.js'
import { SimScheduler } from '../../src/testing/sim/scheduler.js'
import { SimDisk } from '../../src/testing/sim/sim-disk.js'
import { codeOf } from '../code-of.js'
import { IDENTITY } from './disks.js'

function head(generation: number): LogHead {
  const last = { index: generation * 2, term: 1, chain: generation * 7919 }
  const rest = { promises: 'kept', slot: 'state', awaitsState: false, joined: false } as const
  return { generation, incarnation: 1, hardState: { term: 1, vote: 5 }, base: { ...last, index: 0 }, last, ...rest }
}

test('a new file has no mark, and says whose it is', () => {
  const content = newHighWater(IDENTITY)
  expect(readHighWater(content, 'here')).toMatchObject({ identity: IDENTITY, mark: { generation: 0, lastIndex: 0 } })
})

test('a slot with a right checksum that holds no numbers is damage, and the marks beside it are still found', () => {
  const content = newHighWater(IDENTITY, { ...NO_MARK, generation: 3 })
  const slot = Buffer.from(content.buffer, 2 * 4096, 52)
  slot.fill(0xff, 0, 8)
  slot.writeUInt32BE(crc32(slot.subarray(0, 48)), 48)
  expect(codeOf(() => readHighWater(content, 'here'))).toBe('DATA_DAMAGED')
  expect(salvageMark(content)).toMatchObject({ generation: 3 })
})

test('a power loss leaves at least the mark of the last sync, and at most the last mark', async () => {
  const action = fc.oneof(
    { weight: 5, arbitrary: fc.constant('write' as const) },
    { weight: 1, arbitrary: fc.constant('sync' as const) },
    { weight: 2, arbitrary: fc.constant('pass' as const) },
    { weight: 1, arbitrary: fc.constant('process' as const) },
    { weight: 1, arbitrary: fc.constant('power' as const) },
  )
  await fc.assert(
    fc.asyncProperty(fc.nat(), fc.array(action, { maxLength: 60 }), async (seed, actions) => {
      const scheduler = new SimScheduler()
      const disk = new SimDisk({ timers: scheduler.timersOf(), seed })
      const file = await open()
      await finished(file.create(newHighWater(IDENTITY)))
      let highWater = await finished(HighWater.resume(file, new DiskHealth('here'), { mark: NO_MARK, slot: 0 }))
      let written = 0
      let synced = 0
      for (const kind of actions) {
        if (kind === 'write') highWater.write(head(++written))
        else if (kind === 'pass') await scheduler.step()
        else if (kind === 'sync') {
          const covers = written
          void highWater.sync().then(() => (synced = Math.max(synced, covers)))
          await drainMicrotasks()
        } else {
          disk.crash(kind)
          const file = await open()
          const { mark, slot } = readHighWater((await finished(file.read())) as Uint8Array, 'here')
          expect(mark.generation).toBeGreaterThanOrEqual(kind === 'process' ? written : synced)
          expect(mark.generation).toBeLessThanOrEqual(written)
          expect(mark).toMatchObject({ lastIndex: mark.generation * 2, chain: mark.generation * 7919 })
          highWater = await finished(HighWater.resume(file, new DiskHealth('here'), { mark, slot }))
          written = mark.generation
          synced = written
        }
      }

      async function open() {
        return finished(disk.mount().openSlotFile('high-water'))
      }

      async function finished<T>(promise: Promise<T>): Promise<T> {
        let done = false
        void promise.then(() => (done = true))
        await drainMicrotasks()
        await scheduler.runUntil(() => done, Infinity)
        return promise
      }
    }),
    { numRuns: 1000 },
  )
})

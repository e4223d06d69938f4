/**
 * A log that is found to have lost something stays found out: whatever the machine does between two opens.
 *
 * The mark that convicts it may lie in the page cache only, left there by a process that was killed. Each case on many disks,
 * which draw how much of the log is torn off and what a power loss leaves.
 */
import { expect, test } from 'vitest'
import { isStoreError } from '../../src/base/errors.js'
import type { Database, Disk } from '../../src/storage/disk.js'
import { openStorage, type Storage } from '../../src/storage/storage.js'
import { SimDisk } from '../../src/testing/sim/sim-disk.js'
import { IDENTITY, PROMPT, entries, write } from './disks.js'

const DISKS = 40

/** What an open says, and how far the log goes that it found. */
async function opened(disk: SimDisk): Promise<string> {
  try {
    const storage = await openStorage(disk.mount(), IDENTITY)
    const { index: last } = storage.log.last
    await storage.close()
    return `the log to ${last}`
  } catch (error) {
    if (!isStoreError(error)) throw error
    return error.code
  }
}

/** Two acknowledged writes; then `leave` ends the process somehow, and the end of the log is torn off. */
async function verdicts(seed: number, leave: (disk: SimDisk, storage: Storage) => Promise<void>): Promise<string[]> {
  const disk = new SimDisk({ timers: PROMPT, seed })
  const storage = await openStorage(disk.mount(), IDENTITY)
  for (let nth = 0; nth < 4; nth++) await storage.log.append(write(entries(1 + nth, 1, 1), { vote: 3 }))
  await leave(disk, storage)
  disk.crash('process')
  expect(disk.rot('torn-tail', 'log')).toBe(true)
  const before = await opened(disk)
  disk.crash('power')
  return [before, await opened(disk)]
}

test('a log without its end is refused before a power loss and after it', async () => {
  for (let seed = 1; seed <= DISKS; seed++) {
    expect(await verdicts(seed, async () => {}), `disk ${seed}`).toEqual(['DATA_DAMAGED', 'DATA_DAMAGED'])
  }
})

test('also where the last sync of the high-water file failed, after which the kernel takes its page for clean', async () => {
  for (let seed = 1; seed <= DISKS; seed++) {
    const said = await verdicts(seed, async (disk, storage) => {
      disk.failNextSync()
      await expect(storage.close()).rejects.toMatchObject({ code: 'DISK_FAILED' })
    })
    expect(said, `disk ${seed}`).toEqual(['DATA_DAMAGED', 'DATA_DAMAGED'])
  }
})

test('a missing high-water file beside a state that cannot be read is damage, not a disk to try again', async () => {
  const disk = new SimDisk({ timers: PROMPT, seed: 1 })
  const before = disk.mount()
  await before.acquire({ create: true })
  await (await before.openDatabase('state', { create: true })).close()
  await before.release()
  const mounted = disk.mount()
  const unreadable: Disk = {
    ...mounted,
    openDatabase: async (name, create) => {
      const database = await mounted.openDatabase(name, create)
      return name === 'state' ? withUnreadableKeys(database) : database
    },
  }
  const opening = openStorage(unreadable, IDENTITY)
  await expect(opening).rejects.toMatchObject({ code: 'DATA_DAMAGED' })
  await expect(opening).rejects.toThrow(/the high-water file is missing/)
})

function withUnreadableKeys(database: Database): Database {
  const corruption = Object.assign(new Error('a block fails its checksum'), { code: 'LEVEL_CORRUPTION' })
  return new Proxy(database, {
    get: (target, name) => {
      if (name === 'keys') return () => ({ all: () => Promise.reject(corruption) })
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}

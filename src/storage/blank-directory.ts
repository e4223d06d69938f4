/**
 * A directory that was begun for a member which joins, and into which nothing was told yet: no entry, no state, no promise.
 *
 *     mark of before the first write                        blank
 *     made by joining, promises lost, log and state empty   blank
 *
 * Always: what is blank may go to another member, since nobody counts on what it holds. A crash in the middle leaves a
 * directory that is blank still, of the one or the other.
 */
import type { Disk } from './disk.js'
import { DiskHealth } from './disk-health.js'
import { readDirectory, readState } from './directory-reader.js'
import { HighWater, type HighWaterContent } from './high-water.js'
import type { Identity } from './identity.js'

/** `content`: of its high-water file. Rejects with `DATA_DIR_IN_USE` and `DISK_FAILED`. */
export async function isBlank(disk: Disk, { mark }: HighWaterContent): Promise<boolean> {
  if (mark.generation === 0) return true
  // Most are not, and are not opened for that.
  if (mark.promises === 'kept' || mark.lastIndex > 0) return false
  return using(disk, async () => {
    const { log, slot, damage } = await readDirectory(disk)
    const { head } = log
    if (damage.length > 0 || head === undefined || slot === undefined) return false
    if (!head.joined || head.last.index > 0) return false
    const state = await readState(disk, slot, () => undefined)
    return state.records === 0 && state.damage.length === 0
  })
}

/** It is that of `next` from here on. Rejects with `DATA_DIR_IN_USE` and `DISK_FAILED`. */
export async function handOverBlank(disk: Disk, before: Identity, next: Identity): Promise<void> {
  await using(disk, async () => {
    const health = new DiskHealth(disk.location)
    const file = await disk.openSlotFile('high-water')
    try {
      // As before the first write: whatever is gone of it after a crash, it is blank.
      await HighWater.create(file, health, before)
      for (const name of await disk.databases()) {
        await health.during('emptying the directory', () => disk.discardDatabase(name))
      }
      await HighWater.create(file, health, next)
    } finally {
      await file.close()
    }
  })
}

async function using<T>(disk: Disk, work: () => Promise<T>): Promise<T> {
  await disk.acquire({ create: false })
  try {
    return await work()
  } finally {
    await disk.release()
  }
}

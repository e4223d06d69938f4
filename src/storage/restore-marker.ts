/**
 * The mark of a data directory into which a snapshot is being restored: the file `restoring`.
 *
 *     begin      the mark, synced, into a directory that holds no data; what an earlier restore left under one is removed
 *     ...        high-water, log, state
 *     end        the mark is removed, synced: from here on it is a data directory like any other
 *
 * Always: a directory that has the mark is never opened (level-disk.ts), and never holds anything that was promised to
 * anybody: it may be emptied. In the directory itself, and not in one beside it that is renamed at the end: a data directory
 * is often a mounted volume, onto which nothing can be renamed.
 * Always: called by one process at a time (level-disk.ts holds the lock). Files of others are left alone.
 */
import { access, open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreError } from '../base/errors.js'
import { BEFORE_OPEN } from './damage.js'
import { isMissing, syncFolder } from './folder.js'

const MARK = 'restoring'
const FILE_MODE = 0o600
/** All that a member makes in its directory, besides the lock. */
const MADE = ['high-water', 'high-water.new', 'log', 'state', BEFORE_OPEN, `${BEFORE_OPEN}.new`, `${BEFORE_OPEN}.old`]

/** Rejects with `ALREADY_EXISTS` where there is data. */
export async function beginRestore(path: string): Promise<void> {
  const names = await readdir(path)
  if (!names.includes(MARK) && names.some((name) => MADE.includes(name))) {
    throw new StoreError(
      'ALREADY_EXISTS',
      `${path} holds the data of a member already. Restore into a new directory; this one was not changed.`,
    )
  }
  const handle = await open(join(path, MARK), 'w', FILE_MODE)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
  await syncFolder(path)
  await removeMade(path)
}

export async function endRestore(path: string): Promise<void> {
  await rm(join(path, MARK))
  await syncFolder(path)
}

/** Leaves the directory without data, as it was before. */
export async function abandonRestore(path: string): Promise<void> {
  await removeMade(path)
  await endRestore(path)
}

/** Rejects with `DATA_DAMAGED` where a restore did not come to its end. */
export async function refuseHalfRestored(path: string): Promise<void> {
  try {
    await access(join(path, MARK))
  } catch (error) {
    if (isMissing(error)) return
    throw error
  }
  throw new StoreError(
    'DATA_DAMAGED',
    `A restore into ${path} did not come to its end. Restore into it again: what is there is replaced then.`,
  )
}

async function removeMade(path: string): Promise<void> {
  for (const name of MADE) await rm(join(path, name), { recursive: true, force: true })
  await syncFolder(path)
}

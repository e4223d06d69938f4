/**
 * The marks of a data directory into which a snapshot is being restored: the files `restoring.new` and `restoring`.
 *
 *     intend     `restoring.new`, synced, where there is no data: before anything else, and before the lock
 *     begin      under the lock: `restoring`, synced, where there is no data; what an earlier restore left under it is removed
 *     ...        high-water, log, state
 *     abandon    what was made is removed; the mark stays
 *     end        the mark is removed, synced: from here on it is a data directory like any other
 *
 * Always: a directory that has `restoring` is never opened (level-disk.ts), and never holds anything that was promised to
 * anybody: it may be emptied. In the directory itself, and not in one beside it that is renamed at the end: a data directory
 * is often a mounted volume, onto which nothing can be renamed.
 * Always: once a restore has changed anything, only its end makes the directory one that opens. What fails or dies before
 * leaves a mark, so that nobody takes the directory for that of a new member.
 * `restoring.new` proves less, since it is made without the lock: where there is data beside it, somebody opened the directory
 * as a new member's at the same moment, and the data is theirs. It is never emptied for its sake.
 * Always: all but `intendRestore` are called by one process at a time (level-disk.ts holds the lock). Files of others are
 * left alone.
 */
import { open, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreError } from '../base/errors.js'
import { BEFORE_OPEN, DAMAGED } from './damage.js'
import { makeFolder, removeEmptyFolders, syncFolder } from './folder.js'

const MARK = 'restoring'
const INTENT = `${MARK}.new`
const FILE_MODE = 0o600
/** Copies of what a member had, from before an open. */
const KEPT = [BEFORE_OPEN, DAMAGED].flatMap((name) => [name, `${name}.new`, `${name}.old`])
/** All that a member makes in its directory, besides the lock. */
const MADE = ['high-water', 'high-water.new', 'log', 'state', 'state-2', ...KEPT]

/** Made with another store, and nothing was written: then it is one of classic-level from here on. */
const STORE_MARKERS = ['store', 'store.new']

/** Makes the directory, where it is not there, and marks it, unless it holds data. Where that fails, nothing is left of it. */
export async function intendRestore(path: string): Promise<void> {
  const made = await makeFolder(path)
  const names = await readdir(path)
  if (names.includes(MARK) || holdsData(names)) return
  try {
    await makeMark(path, INTENT)
  } catch (error) {
    // What failed first is what matters.
    if (!names.includes(INTENT)) await rm(join(path, INTENT), { force: true }).catch(() => undefined)
    if (made !== undefined) await removeEmptyFolders(path, made).catch(() => undefined)
    throw error
  }
}

/** Rejects with `ALREADY_EXISTS` where there is data. */
export async function beginRestore(path: string): Promise<void> {
  const names = await readdir(path)
  if (!names.includes(MARK) && holdsData(names)) throw alreadyThere(path, names)
  await makeMark(path, MARK)
  await rm(join(path, INTENT), { force: true })
  await abandonRestore(path)
}

/** Leaves the directory without data, and marked. */
export async function abandonRestore(path: string): Promise<void> {
  for (const name of [...MADE, ...STORE_MARKERS]) await rm(join(path, name), { recursive: true, force: true })
  await syncFolder(path)
}

export async function endRestore(path: string): Promise<void> {
  await rm(join(path, MARK))
  await syncFolder(path)
}

/** Rejects with `DATA_DAMAGED` where a restore did not come to its end. */
export async function refuseHalfRestored(path: string): Promise<void> {
  const names = await readdir(path)
  if (names.includes(MARK) || (names.includes(INTENT) && !holdsData(names))) {
    throw new StoreError(
      'DATA_DAMAGED',
      `A restore into ${path} failed or was ended before it was done, so there is no data to open. Restore into it again ` +
        '(what is there is replaced), or remove the directory.',
    )
  }
  if (names.includes(INTENT)) await rm(join(path, INTENT), { force: true })
}

function holdsData(names: readonly string[]): boolean {
  return names.some((name) => MADE.includes(name))
}

/** What is kept may be all that is left of a member: nobody but its owner can say that it is not needed. */
function alreadyThere(path: string, names: readonly string[]): StoreError {
  const made = names.filter((name) => MADE.includes(name))
  const what = made.every((name) => KEPT.includes(name))
    ? `${path} holds no data of a member any more, but in ${made.sort().join(' and ')} files of one, as they were before it ` +
      'was opened. Move that elsewhere, or remove it where nobody needs it, or restore'
    : `${path} holds the data of a member already. Restore`
  return new StoreError('ALREADY_EXISTS', `${what} into a new directory; this one was not changed.`)
}

async function makeMark(path: string, name: string): Promise<void> {
  const handle = await open(join(path, name), 'w', FILE_MODE)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
  await syncFolder(path)
}

/**
 * The lock of a data directory: an empty LevelDB database in it, whose LOCK file is it.
 *
 * The lock is LevelDB's: an fcntl lock, which the kernel drops with the process, however that ends, and a table within the
 * process. A lock file of our own would need a guess whether the process it names still lives, and in a container every
 * process is number 1.
 *
 * classic-level is loaded here, at the first lock: the main entry needs no native code.
 */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreError } from '../base/errors.js'
import { diskFailure } from './disk-failure.js'
import { makeFolder } from './folder.js'

const LOCK = 'lock'

export interface DirectoryLock {
  release(): Promise<void>
}

/** Takes the lock of the folder at `path`, its one true path: LevelDB's table goes by name. Rejects with `DATA_DIR_IN_USE`. */
export async function lockDirectory(path: string): Promise<DirectoryLock> {
  const folder = join(path, LOCK)
  await makeFolder(folder)
  try {
    return await openLock(folder)
  } catch (error) {
    if (codeOf(error) === 'LEVEL_LOCKED') throw inUse(path, error)
    if (codeOf(error) !== 'LEVEL_CORRUPTION') throw diskFailure(`${path} cannot be opened`, error)
  }
  // It holds nothing: where damage keeps it from opening it is made anew. Whoever holds the lock was noticed before.
  for (const file of await readdir(folder)) if (file !== 'LOCK') await rm(join(folder, file))
  return openLock(folder)
}

async function openLock(folder: string): Promise<DirectoryLock> {
  const { ClassicLevel } = await import('classic-level')
  const database = new ClassicLevel(folder, { createIfMissing: true })
  await database.open()
  return { release: () => database.close() }
}

function codeOf(error: unknown): unknown {
  const { cause, code } = error as { cause?: { code?: unknown }; code?: unknown }
  return cause?.code ?? code
}

function inUse(path: string, cause: unknown): StoreError {
  return new StoreError(
    'DATA_DIR_IN_USE',
    `${path} is in use by another process, or by another store in this one. One store per data directory.`,
    { cause },
  )
}

/**
 * Opens databases in a folder, and says what it means where one does not open.
 *
 * The lock of a directory is that of an empty LevelDB database in it: an fcntl lock, which the kernel drops with the process,
 * however that ends, and a table within the process. A lock file of our own would need a guess whether the process it names
 * still lives, and in a container every process is number 1.
 *
 * classic-level is loaded here, at the first open: the main entry needs no native code.
 */
import { readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { StoreError, isStoreError } from '../base/errors.js'
import { damaged } from './damage.js'
import { DATABASE_OPTIONS } from './database-options.js'
import type { CreateOptions, Database, DatabaseName } from './disk.js'
import { asStoreError, diskFailure } from './disk-failure.js'
import { makeFolder, syncFolder } from './folder.js'

const LOCK = 'lock'

/**
 * The log is read back at most once and soon trimmed: compressing it would be work for nothing. The state stays, and is
 * mostly text. (Compression is no protection either way: LevelDB takes a flipped bit for data with and without it.)
 */
const COMPRESSION = { log: false, state: true, 'state-2': true, lock: false } as const

/**
 * What LevelDB says where something is not as it made it: a lost CURRENT file (an invalid argument to it, since it was told
 * not to create), a lost MANIFEST, a folder in the place of a file or the other way round, an offset that a flipped bit made.
 */
const DAMAGE_BY_TEXT = /does not exist|No such file|Is a directory|Not a directory|Invalid argument/

/** A data directory: by its one true path, since LevelDB's table of locks goes by name, and as messages call it. */
export interface Directory {
  readonly path: string
  readonly location: string
}

/** Opens a LevelDB database. Rejects with `DATA_DIR_IN_USE`, `DATA_DAMAGED`, `DISK_FAILED`. */
export async function openLevel(
  { path, location }: Directory,
  name: DatabaseName | typeof LOCK,
  { create }: CreateOptions,
): Promise<Database> {
  const folder = join(path, name)
  // LevelDB would make it too, readable for everybody where the umask says so.
  if (create) await accessing(location, () => makeFolder(folder))
  const { ClassicLevel } = await accessing(location, () => import('classic-level'))
  const database = new ClassicLevel<string, Uint8Array>(folder, {
    ...DATABASE_OPTIONS,
    compression: COMPRESSION[name],
    createIfMissing: create,
  })
  try {
    await database.open()
  } catch (error) {
    throw openFailure(location, name, error)
  }
  try {
    // LevelDB syncs its files, and of its folder only what a new MANIFEST needs.
    await accessing(location, () => syncFolder(folder))
  } catch (error) {
    await database.close()
    throw error
  }
  return database
}

/** It holds nothing: where damage keeps it from opening it is made anew. Whoever holds the lock is noticed before that. */
export async function openLock(directory: Directory): Promise<Database> {
  const options = { create: true }
  try {
    return await openLevel(directory, LOCK, options)
  } catch (error) {
    if (!isStoreError(error, 'DATA_DAMAGED')) throw error
  }
  const { path, location } = directory
  await accessing(location, async () => {
    const folder = join(path, LOCK)
    for (const file of await readdir(folder)) if (file !== 'LOCK') await rm(join(folder, file), { recursive: true })
  })
  return openLevel(directory, LOCK, options)
}

/** What to throw where a database of the directory did not open, whoever made it. */
export function openFailure(location: string, name: string, error: unknown): StoreError {
  const { cause } = error as Error
  const { code, message } = (cause ?? error) as { code?: string; message: string }
  if (code === 'LEVEL_LOCKED') return inUse(location, error)
  const lost = code === 'LEVEL_CORRUPTION' || DAMAGE_BY_TEXT.test(message)
  if (lost) return damaged(location, `the ${name} database cannot be opened: ${message}`, error)
  return diskFailure(`${location} cannot be opened`, error)
}

export function inUse(location: string, cause?: unknown): StoreError {
  return new StoreError(
    'DATA_DIR_IN_USE',
    `${location} is in use by another process, or by another store in this one. One store per data directory.`,
    { cause },
  )
}

/** Does something with a directory; what fails because of the system is said so. */
export async function accessing<T>(location: string, access: () => Promise<T>): Promise<T> {
  try {
    return await access()
  } catch (error) {
    throw asStoreError(`${location} cannot be opened`, error)
  }
}

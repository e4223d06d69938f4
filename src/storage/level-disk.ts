/**
 * A data directory: LevelDB databases and the high-water file.
 *
 *     high-water    how far the promises of this member reach
 *     log/          entries and hard state
 *     state/        the state machine's records; or state-2/ (state-slots.ts)
 *     lock/         an empty database, whose LOCK is the lock of the whole directory
 *     before-open/  what log and state were before an open that is not verified (before-open.ts)
 *     damaged/      the same of the last open that gave something up
 *     restoring     a snapshot is being restored into it, or was and did not come to its end (restore-marker.ts); at its
 *                   very beginning restoring.new
 *
 * The lock is LevelDB's: an fcntl lock, which the kernel drops with the process, however that ends, and a table within the
 * process. A lock file of our own would need a guess whether the process it names still lives, and in a container every
 * process is number 1. It is that of a database of its own, since LevelDB takes a lock and repairs in one go: what is to be
 * kept must be kept between the two.
 *
 * classic-level is loaded here, at the first acquire: the main entry needs no native code.
 */
import { readdir, realpath, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { present } from '../base/assert.js'
import { StoreError, isStoreError } from '../base/errors.js'
import { dropSetAside, keepForGood, setAside } from './before-open.js'
import { damaged } from './damage.js'
import { DATABASE_OPTIONS } from './database-options.js'
import type { CreateOptions, Database, DatabaseName, Disk, DiskSpace, SlotFileName } from './disk.js'
import { asStoreError, diskFailure } from './disk-failure.js'
import { checkAccess, emptyFolder, folderBytes, folderSpace, listIfPresent, makeFolder, syncFolder } from './folder.js'
import { FolderSlotFile, readIfPresent } from './folder-slot-file.js'
import { findLevelDamage } from './level-check.js'
import { abandonRestore, beginRestore, endRestore, intendRestore, refuseHalfRestored } from './restore-marker.js'
import { checkStore } from './store-marker.js'

/**
 * The log is read back at most once and soon trimmed: compressing it would be work for nothing. The state stays, and is
 * mostly text. (Compression is no protection either way: LevelDB takes a flipped bit for data with and without it.)
 */
const COMPRESSION = { log: false, state: true, 'state-2': true, lock: false } as const
const DATABASES: readonly DatabaseName[] = ['log', 'state', 'state-2']
/** Without any of these nothing was ever written: LevelDB began to make it, at most. */
const WITH_RECORDS = /^\d+\.(ldb|sst|log)$/

/**
 * What LevelDB says where something is not as it made it: a lost CURRENT file (an invalid argument to it, since it was told
 * not to create), a lost MANIFEST, a folder in the place of a file or the other way round, an offset that a flipped bit made.
 */
const DAMAGE_BY_TEXT = /does not exist|No such file|Is a directory|Not a directory|Invalid argument/

/** The disk in `dataDir`, which need not exist yet. */
export function levelDisk(dataDir: string): Disk {
  return new LevelDisk(dataDir)
}

/** A disk for one restore. Unless it was completed, what was written to it is removed at its release, and it does not open. */
export interface RestoringDisk extends Disk {
  /** What was written is whole: the release makes it a data directory. */
  complete(): void
}

/** The disk in `dataDir`, which must not hold data: `acquire` rejects with `ALREADY_EXISTS` then. */
export function restoringDisk(dataDir: string): RestoringDisk {
  return new LevelDisk(dataDir, 'restore')
}

class LevelDisk implements RestoringDisk {
  readonly permanent = true
  readonly location: string
  /** The folder by its one true path: LevelDB's table of locks within the process goes by name. */
  #path: string | undefined
  /** Open while the disk is acquired. */
  #lock: Database | undefined
  /** Whether this acquire kept what was there before. */
  #keeps = false
  /** The removal of what was kept from before the open. */
  #dropping: Promise<void> = Promise.resolve()
  readonly #use: 'open' | 'restore'
  #complete = false

  constructor(location: string, use: 'open' | 'restore' = 'open') {
    this.location = location
    this.#use = use
  }

  async peek(name: SlotFileName): Promise<Uint8Array | undefined> {
    // What an earlier restore left is no data of anybody.
    if (this.#use === 'restore') return undefined
    return this.#accessing(async () => {
      await checkStore(this.location, undefined)
      return readIfPresent(join(this.location, name))
    })
  }

  async acquire({ create }: CreateOptions): Promise<void> {
    if (this.#path !== undefined) throw this.#inUse()
    const path = await this.#accessing(async () => {
      if (this.#use === 'restore') await intendRestore(this.location)
      else if (create) await makeFolder(this.location)
      return await realpath(this.location)
    })
    const lock = await this.#openLock(path)
    try {
      await this.#accessing(() => this.#prepare(path))
    } catch (error) {
      await lock.close()
      throw error
    }
    this.#lock = lock
    this.#path = path
  }

  async openDatabase(name: DatabaseName, options: CreateOptions): Promise<Database> {
    const path = present(this.#path, 'the acquired folder')
    if (options.create) await this.#accessing(() => removeStillborn(join(path, name)))
    const damage = await this.#accessing(() => findLevelDamage(join(path, name)))
    if (damage !== undefined) throw damaged(this.location, `the ${name} database cannot be opened: ${damage}`)
    try {
      return await this.#open(path, name, options)
    } catch (error) {
      // Somebody has the database without having the lock: a refused open within their process has released it (POSIX
      // releases a lock with any descriptor of its file). What was kept here is of data in use, and proves nothing.
      if (isStoreError(error, 'DATA_DIR_IN_USE') && this.#keeps) await this.#accessing(() => dropSetAside(path))
      throw error
    }
  }

  async openSlotFile(name: SlotFileName): Promise<FolderSlotFile> {
    return this.#accessing(() => FolderSlotFile.open(join(present(this.#path, 'the acquired folder'), name)))
  }

  async databases(): Promise<readonly DatabaseName[]> {
    const path = present(this.#path, 'the acquired folder')
    return this.#accessing(async () => {
      const found: DatabaseName[] = []
      for (const name of DATABASES) if (await holdsAnything(join(path, name))) found.push(name)
      return found
    })
  }

  async discardDatabase(name: DatabaseName): Promise<void> {
    const path = present(this.#path, 'the acquired folder')
    await this.#accessing(() => emptyFolder(join(path, name)))
  }

  givenUp(): void {
    keepForGood(present(this.#path, 'the acquired folder'))
  }

  verified(): void {
    this.#dropping = dropSetAside(present(this.#path, 'the acquired folder'))
  }

  async sizeBytes(): Promise<number> {
    const path = present(this.#path, 'the acquired folder')
    return this.#accessing(() => folderBytes(path))
  }

  async space(): Promise<DiskSpace> {
    return folderSpace(present(this.#path, 'the acquired folder'))
  }

  complete(): void {
    this.#complete = true
  }

  async release(): Promise<void> {
    await this.#dropping
    const path = this.#path
    this.#path = undefined
    const lock = this.#lock
    this.#lock = undefined
    try {
      if (this.#use === 'restore' && path !== undefined) {
        await this.#accessing(() => (this.#complete ? endRestore(path) : abandonRestore(path)))
      }
    } finally {
      await lock?.close()
    }
  }

  async #prepare(path: string): Promise<void> {
    if (this.#use === 'restore') {
      await beginRestore(path)
      return
    }
    await refuseHalfRestored(path)
    await checkStore(path, undefined)
    await checkAccess(path, DATABASES)
    this.#keeps = await setAside(path)
  }

  /** It holds nothing: where damage keeps it from opening it is made anew. Whoever holds the lock is noticed before that. */
  async #openLock(path: string): Promise<Database> {
    const options = { create: true }
    try {
      return await this.#open(path, 'lock', options)
    } catch (error) {
      if (!isStoreError(error, 'DATA_DAMAGED')) throw error
    }
    await this.#accessing(async () => {
      const folder = join(path, 'lock')
      for (const file of await readdir(folder)) if (file !== 'LOCK') await rm(join(folder, file), { recursive: true })
    })
    return this.#open(path, 'lock', options)
  }

  async #open(path: string, name: DatabaseName | 'lock', { create }: CreateOptions): Promise<Database> {
    const folder = join(path, name)
    // LevelDB would make it too, readable for everybody where the umask says so.
    if (create) await this.#accessing(() => makeFolder(folder))
    const { ClassicLevel } = await this.#accessing(() => import('classic-level'))
    const database = new ClassicLevel<string, Uint8Array>(folder, {
      ...DATABASE_OPTIONS,
      compression: COMPRESSION[name],
      createIfMissing: create,
    })
    try {
      await database.open()
    } catch (error) {
      throw this.#openFailure(name, error)
    }
    try {
      // LevelDB syncs its files, and of its folder only what a new MANIFEST needs.
      await this.#accessing(() => syncFolder(folder))
    } catch (error) {
      await database.close()
      throw error
    }
    return database
  }

  #openFailure(name: string, error: unknown): StoreError {
    const { cause } = error as Error
    const { code, message } = (cause ?? error) as { code?: string; message: string }
    if (code === 'LEVEL_LOCKED') return this.#inUse(error)
    const lost = code === 'LEVEL_CORRUPTION' || DAMAGE_BY_TEXT.test(message)
    if (lost) return damaged(this.location, `the ${name} database cannot be opened: ${message}`, error)
    return diskFailure(`${this.location} cannot be opened`, error)
  }

  #inUse(cause?: unknown): StoreError {
    return new StoreError(
      'DATA_DIR_IN_USE',
      `${this.location} is in use by another process, or by another store in this one. One store per data directory.`,
      { cause },
    )
  }

  async #accessing<T>(access: () => Promise<T>): Promise<T> {
    try {
      return await access()
    } catch (error) {
      throw asStoreError(`${this.location} cannot be opened`, error)
    }
  }
}

/**
 * Whether anything was ever written to the database in `folder`, or there is something that is none. A loss of power while
 * LevelDB makes a database leaves files in which there is nothing, and which it does not open.
 */
async function holdsAnything(folder: string): Promise<boolean> {
  for (const file of await listIfPresent(folder)) {
    if (file === folder) return true
    if (WITH_RECORDS.test(file) && (await stat(join(folder, file))).size > 0) return true
  }
  return false
}

async function removeStillborn(folder: string): Promise<void> {
  if (!(await holdsAnything(folder))) await emptyFolder(folder)
}

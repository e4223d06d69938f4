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
 * The lock is that of a database of its own (open-level.ts), since LevelDB takes a lock and repairs in one go: what is to be
 * kept must be kept between the two.
 */
import { realpath, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { present } from '../base/assert.js'
import { isStoreError } from '../base/errors.js'
import { dropSetAside, keepForGood, setAside } from './before-open.js'
import { damaged } from './damage.js'
import type { CreateOptions, Database, DatabaseName, Disk, DiskSpace, SlotFileName } from './disk.js'
import { checkAccess, emptyFolder, folderBytes, folderSpace, listIfPresent, makeFolder } from './folder.js'
import { FolderSlotFile, readIfPresent } from './folder-slot-file.js'
import { findLevelDamage } from './level-check.js'
import { accessing, inUse, openLevel, openLock } from './open-level.js'
import { abandonRestore, beginRestore, endRestore, intendRestore, refuseHalfRestored } from './restore-marker.js'
import { checkStore } from './store-marker.js'

const DATABASES: readonly DatabaseName[] = ['log', 'state', 'state-2']
/** Without any of these nothing was ever written: LevelDB began to make it, at most. */
const WITH_RECORDS = /^\d+\.(ldb|sst|log)$/

/** The disk in `dataDir`, which need not exist yet. */
export function levelDisk(dataDir: string): Disk {
  return new LevelDisk(dataDir)
}

/** The disk in `path`, a copy of the data directory `location` that is made to be looked into; messages name the original. */
export function copiedDisk(path: string, location: string): Disk {
  return new LevelDisk(path, 'open', location)
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
  /** For messages. */
  readonly location: string
  readonly #folder: string
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

  constructor(folder: string, use: 'open' | 'restore' = 'open', location = folder) {
    this.location = location
    this.#folder = folder
    this.#use = use
  }

  async peek(name: SlotFileName): Promise<Uint8Array | undefined> {
    // What an earlier restore left is no data of anybody.
    if (this.#use === 'restore') return undefined
    return this.#accessing(async () => {
      await checkStore(this.#folder, undefined)
      return readIfPresent(join(this.#folder, name))
    })
  }

  async acquire({ create }: CreateOptions): Promise<void> {
    if (this.#path !== undefined) throw inUse(this.location)
    const path = await this.#accessing(async () => {
      if (this.#use === 'restore') await intendRestore(this.#folder)
      else if (create) await makeFolder(this.#folder)
      return await realpath(this.#folder)
    })
    const lock = await openLock({ path, location: this.location })
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
      return await openLevel({ path, location: this.location }, name, options)
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

  #accessing<T>(access: () => Promise<T>): Promise<T> {
    return accessing(this.location, access)
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

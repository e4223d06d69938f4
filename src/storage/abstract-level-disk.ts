/**
 * A disk made of databases of somebody else's making, as far as abstract-level describes them: for stores other than
 * classic-level.
 *
 *     high-water    as in a directory of ours: the store has no part in it
 *     store         what the databases are made with (store-marker.ts)
 *     log/ state/   a folder for each database, for the store to use as it likes
 *     lock/         the lock of the directory (open-level.ts)
 *
 * With a folder everything must be kept: a store whose manifest says otherwise is refused. Without one nothing is taken to
 * be kept, whatever the store could do.
 * Not here: what a directory was like before it was opened is not set aside (before-open.ts), since only of LevelDB's files
 * it is known which are written to again.
 */
import { readdir, realpath, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { present } from '../base/assert.js'
import type { AnyLevel } from './any-level.js'
import { openBrought, type ReadSync } from './brought-database.js'
import { damaged } from './damage.js'
import { DATABASE_OPTIONS } from './database-options.js'
import type { CreateOptions, Database, DatabaseName, Disk, DiskSpace, SlotFileName } from './disk.js'
import { checkAccess, folderBytes, folderSpace, makeFolder, syncFolder } from './folder.js'
import { FolderSlotFile, readIfPresent } from './folder-slot-file.js'
import { memoryDisk } from './memory-disk.js'
import { accessing, inUse, openLock } from './open-level.js'
import { refuseHalfRestored } from './restore-marker.js'
import { checkStore, markStore } from './store-marker.js'

/** A record, so that the compiler misses none. */
const DATABASES: Readonly<Record<DatabaseName, true>> = { log: true, state: true, 'state-2': true }
/** Behind the name of a folder that is being removed. */
const DISCARDED = '.discarded'
const REMOVE = { recursive: true, force: true }

/** What a database of a store is to be made with. */
export interface DatabaseOrder {
  readonly name: DatabaseName
  /** A folder for this database alone, which is there; '' on a disk without a folder. A store in another place need not use it. */
  readonly location: string
  /**
   * For the constructor of the database: its encodings, which storage relies on, and `createIfMissing`, for stores that can
   * tell a database that is missing from one that is new.
   */
  readonly options: typeof DATABASE_OPTIONS & { readonly createIfMissing: boolean }
}

export interface AbstractLevelDiskOptions<Level extends AnyLevel> {
  /** What the store is called. It is noted in `dataDir`, which does not open under another name. */
  readonly name: string
  /** Makes a database, which need not be open. */
  readonly database: (order: DatabaseOrder) => Level | Promise<Level>
  /**
   * A folder on a local disk, where the high-water file, the lock and, unless the store has another place for them, the
   * databases are. Without it nothing is kept, as in memory.
   */
  readonly dataDir?: string
  /** How a record of the state is read without waiting, where the store has no `getSync()`. */
  readonly readSync?: ReadSync<Level>
  /** Removes all that is in a closed database, where that is not in its folder. */
  readonly remove?: (name: DatabaseName) => Promise<void>
}

/**
 * A disk for {@link open} on a store of your own: any abstract-level database that has snapshots and keeps what a batch with
 * `{ sync: true }` was told to hold. `diskConformance` of `quorate/testing` says whether it does.
 *
 * Throws TypeError for options that make no sense; what the databases lack is said, by TypeError, when they are opened.
 *
 * @example
 * const disk = abstractLevelDisk({
 *   name: 'rocksdb',
 *   dataDir: './data',
 *   database: ({ location, options }) => new RocksLevel(location, options),
 *   readSync: 'memory',
 * })
 * const store = await open({ disk })
 */
export function abstractLevelDisk<Level extends AnyLevel>(options: AbstractLevelDiskOptions<Level>): Disk {
  const { name, database, dataDir, readSync } = options
  if (typeof name !== 'string' || !/^[ -~]{1,64}$/.test(name)) {
    throw new TypeError('name must be what the store is called: 1 to 64 printable characters')
  }
  if (typeof database !== 'function') throw new TypeError('database must be a function that makes a database')
  if (readSync !== undefined && readSync !== 'memory' && typeof readSync !== 'function') {
    throw new TypeError("readSync must be a function or 'memory'")
  }
  return dataDir === undefined ? forgetfulDisk(options) : new AbstractLevelDisk(options, dataDir)
}

function forgetfulDisk<Level extends AnyLevel>(options: AbstractLevelDiskOptions<Level>): Disk {
  const memory = memoryDisk()
  return {
    ...memory,
    location: `${options.name}, without a folder`,
    async openDatabase(name) {
      const opened = await openWith(options, { name, location: '', create: true, permanent: false })
      if ((await opened.keys({ limit: 1 }).all()).length === 0) return opened
      await opened.close()
      throw new TypeError(
        `the ${name} database holds records already, and without dataDir nothing is taken to be kept: give a dataDir, or ` +
          'make an empty database each time',
      )
    },
  }
}

class AbstractLevelDisk<Level extends AnyLevel> implements Disk {
  readonly permanent = true
  readonly location: string
  readonly #options: AbstractLevelDiskOptions<Level>
  #path: string | undefined
  #lock: Database | undefined

  constructor(options: AbstractLevelDiskOptions<Level>, dataDir: string) {
    this.#options = options
    this.location = dataDir
  }

  async peek(name: SlotFileName): Promise<Uint8Array | undefined> {
    return this.#accessing(async () => {
      await checkStore(this.location, this.#options.name)
      return readIfPresent(join(this.location, name))
    })
  }

  async acquire({ create }: CreateOptions): Promise<void> {
    if (this.#path !== undefined) throw inUse(this.location)
    await this.#accessing(async () => {
      if (create) await makeFolder(this.location)
      const path = await realpath(this.location)
      const lock = await openLock({ path, location: this.location })
      try {
        await refuseHalfRestored(path)
        await checkStore(path, this.#options.name)
        await checkAccess(path, [])
        for (const name of Object.keys(DATABASES)) await rm(join(path, name + DISCARDED), REMOVE)
        if (create) await markStore(path, this.#options.name)
      } catch (error) {
        await lock.close()
        throw error
      }
      this.#lock = lock
      this.#path = path
    })
  }

  async openDatabase(name: DatabaseName, { create }: CreateOptions): Promise<Database> {
    const path = present(this.#path, 'the acquired folder')
    const location = join(path, name)
    return this.#accessing(async () => {
      if (create) await makeFolder(location)
      else if (!(await readdir(path)).includes(name)) {
        throw damaged(this.location, `the ${name} database is not there`)
      }
      const opened = await openWith(this.#options, { name, location, create, permanent: true })
      await syncFolder(location)
      return opened
    })
  }

  async openSlotFile(name: SlotFileName): Promise<FolderSlotFile> {
    return this.#accessing(() => FolderSlotFile.open(join(present(this.#path, 'the acquired folder'), name)))
  }

  async databases(): Promise<readonly DatabaseName[]> {
    const path = present(this.#path, 'the acquired folder')
    const there = await this.#accessing(() => readdir(path))
    return (Object.keys(DATABASES) as DatabaseName[]).filter((name) => there.includes(name))
  }

  /** By a rename first: of a store that is not known, half of its files may well open. */
  async discardDatabase(name: DatabaseName): Promise<void> {
    const path = present(this.#path, 'the acquired folder')
    await this.#accessing(async () => {
      await this.#options.remove?.(name)
      if (!(await readdir(path)).includes(name)) return
      const doomed = join(path, name + DISCARDED)
      await rm(doomed, REMOVE)
      await rename(join(path, name), doomed)
      await syncFolder(path)
      await rm(doomed, REMOVE)
    })
  }

  async sizeBytes(): Promise<number> {
    const path = present(this.#path, 'the acquired folder')
    return this.#accessing(() => folderBytes(path))
  }

  async space(): Promise<DiskSpace> {
    return folderSpace(present(this.#path, 'the acquired folder'))
  }

  async release(): Promise<void> {
    this.#path = undefined
    const lock = this.#lock
    this.#lock = undefined
    await lock?.close()
  }

  #accessing<T>(access: () => Promise<T>): Promise<T> {
    return accessing(this.location, access)
  }
}

interface Opening {
  readonly name: DatabaseName
  readonly location: string
  readonly create: boolean
  readonly permanent: boolean
}

async function openWith<Level extends AnyLevel>(
  { name: store, database, readSync }: AbstractLevelDiskOptions<Level>,
  { name, location, create, permanent }: Opening,
): Promise<Database> {
  const order = { name, location, options: { ...DATABASE_OPTIONS, createIfMissing: create } }
  let level: Level
  try {
    level = await database(order)
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'LEVEL_ENCODING_NOT_SUPPORTED') throw error
    throw new TypeError(
      `the ${name} database of ${store} holds text only: keys and values are bytes, and keys must keep the order of bytes`,
    )
  }
  return openBrought(level, {
    name,
    location: location === '' ? store : location,
    readSync,
    permanent,
    readsSync: name !== 'log',
  })
}

/**
 * A data directory: two LevelDB databases and the high-water file.
 *
 *     high-water    how far the promises of this member reach
 *     log/          entries and hard state; its LOCK is the lock of the whole directory
 *     state/        the state machine's records
 *
 * The lock is LevelDB's: an fcntl lock, which the kernel drops with the process, however that ends, and a table within the
 * process. A lock file of our own would need a guess whether the process it names still lives, and in a container every
 * process is number 1.
 *
 * classic-level is loaded here, at the first acquire: the main entry needs no native code.
 */
import { realpath } from 'node:fs/promises'
import { join } from 'node:path'
import { present } from '../base/assert.js'
import { StoreError } from '../base/errors.js'
import { damaged } from './damage.js'
import { DATABASE_OPTIONS } from './database-options.js'
import type { CreateOptions, Database, DatabaseName, Disk, SlotFileName } from './disk.js'
import { makeFolder, syncFolder } from './folder.js'
import { FolderSlotFile, readIfPresent } from './folder-slot-file.js'

/**
 * The log is read back at most once and soon trimmed: compressing it would be work for nothing. The state stays, and is
 * mostly text. (Compression is no protection either way: LevelDB takes a flipped bit for data with and without it.)
 */
const COMPRESSION = { log: false, state: true } as const

/** The disk in `dataDir`, which need not exist yet. */
export function levelDisk(dataDir: string): Disk {
  return new LevelDisk(dataDir)
}

class LevelDisk implements Disk {
  readonly permanent = true
  readonly location: string
  /** The folder by its one true path: LevelDB's table of locks within the process goes by name. */
  #path: string | undefined
  /** Opened by `acquire`, for its lock, and handed out by `openDatabase`. */
  #log: Database | undefined

  constructor(location: string) {
    this.location = location
  }

  async peek(name: SlotFileName): Promise<Uint8Array | undefined> {
    return this.#accessing(() => readIfPresent(join(this.location, name)))
  }

  async acquire(options: CreateOptions): Promise<void> {
    if (this.#path !== undefined) throw this.#inUse()
    if (options.create) await this.#accessing(() => makeFolder(this.location))
    const path = await this.#accessing(() => realpath(this.location))
    this.#log = await this.#open(path, 'log', options)
    this.#path = path
  }

  async openDatabase(name: DatabaseName, options: CreateOptions): Promise<Database> {
    const path = present(this.#path, 'the acquired folder')
    if (name === 'state') return this.#open(path, name, options)
    const log = present(this.#log, 'the log database')
    this.#log = undefined
    return log
  }

  async openSlotFile(name: SlotFileName): Promise<FolderSlotFile> {
    return this.#accessing(() => FolderSlotFile.open(join(present(this.#path, 'the acquired folder'), name)))
  }

  async release(): Promise<void> {
    this.#path = undefined
    const log = this.#log
    this.#log = undefined
    await log?.close()
  }

  async #open(path: string, name: DatabaseName, { create }: CreateOptions): Promise<Database> {
    const folder = join(path, name)
    // LevelDB would make it too, readable for everybody where the umask says so.
    if (create) await this.#accessing(() => makeFolder(folder))
    const { ClassicLevel } = await import('classic-level')
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

  #openFailure(name: DatabaseName, error: unknown): StoreError {
    const { cause } = error as Error
    const { code, message } = (cause ?? error) as { code?: string; message: string }
    if (code === 'LEVEL_LOCKED') return this.#inUse(error)
    // To LevelDB a lost CURRENT file is an invalid argument, since it was told not to create, and a lost MANIFEST an I/O error.
    const lost = code === 'LEVEL_CORRUPTION' || /does not exist|No such file/.test(message)
    if (lost) return damaged(this.location, `the ${name} database cannot be opened: ${message}`, error)
    return this.#failure(error, message)
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
      throw this.#failure(error, (error as Error).message)
    }
  }

  #failure(error: unknown, message: string): StoreError {
    return new StoreError('DISK_FAILED', `${this.location} cannot be opened: ${message}`, { cause: error })
  }
}

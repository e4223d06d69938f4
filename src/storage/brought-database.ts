/**
 * A database of somebody else's making as storage needs one: its abilities checked, what it lacks made up for where that can
 * be done, and its errors given the codes that storage knows.
 *
 * Databases of abstract-level 1, 2 and 3 will do: storage asks for promises, groups of keys and chained batches, which all
 * three have. What cannot be made up for is refused when the database is opened, by name: a batch that is not durable when it
 * is told, an iterator that shows what is written after it was made, and keys or values that are not bytes.
 */
import { isStoreError } from '../base/errors.js'
import type { AnyBatch, AnyIterator, AnyLevel } from './any-level.js'
import type { Database } from './disk.js'
import { MemoryReads } from './memory-reads.js'
import { openFailure } from './open-level.js'

/**
 * How a record is read without waiting, where a database does not have `getSync` of abstract-level 3: by another function of
 * its own, given the key as bytes, or from memory, where all records are then kept as well.
 */
export type ReadSync<Level> = ((database: Level, key: Uint8Array) => Uint8Array | undefined) | 'memory'

export interface BroughtOptions<Level> {
  readonly name: string
  readonly location: string
  /** Undefined for a database that nobody reads so. */
  readonly readSync: ReadSync<Level> | undefined
  /** Whether the database must keep what it is given. */
  readonly permanent: boolean
  /** Whether it is read without waiting: the state is. */
  readonly readsSync: boolean
}

/** What an abstract-level manifest may say, by whichever version. */
interface Manifest {
  readonly getSync?: boolean
  readonly permanence?: boolean
  readonly snapshots?: boolean
  readonly implicitSnapshots?: boolean
}

type Used = Pick<Database, 'get' | 'getMany' | 'getSync' | 'batch' | 'iterator' | 'keys' | 'close' | 'supports'>

/** Opens `level`. Throws TypeError for one that cannot do what is needed, `DATA_DIR_IN_USE`, `DATA_DAMAGED`, `DISK_FAILED`. */
export async function openBrought<Level extends AnyLevel>(
  level: Level,
  options: BroughtOptions<Level>,
): Promise<Database> {
  checkAbilities(level, options)
  try {
    await level.open()
  } catch (error) {
    throw isStoreError(error) ? error : openFailure(options.location, options.name, error)
  }
  const memory = options.readsSync && options.readSync === 'memory' ? new MemoryReads() : undefined
  const brought = new BroughtDatabase(level, options, memory)
  try {
    await memory?.load(level)
  } catch (error) {
    await level.close()
    throw isStoreError(error) ? error : openFailure(options.location, options.name, error)
  }
  // Everything that storage asks of a database (Used); the rest of abstract-level's class is nobody's business here.
  return brought satisfies Used as unknown as Database
}

function checkAbilities<Level extends AnyLevel>(level: Level, options: BroughtOptions<Level>): void {
  const { name, readSync, permanent, readsSync } = options
  if (typeof level !== 'object' || typeof level.open !== 'function' || typeof level.supports !== 'object') {
    throw new TypeError(
      `the ${name} database is no abstract-level database: it has no open() or no manifest (supports)`,
    )
  }
  const manifest = level.supports as Manifest
  if (permanent && manifest.permanence !== true) {
    throw new TypeError(
      `the ${name} database forgets (its manifest does not say permanence), but a dataDir is given: a restart would lose ` +
        'votes and acknowledged writes. Leave dataDir out, so that nothing is taken to be kept',
    )
  }
  if (manifest.implicitSnapshots !== true && manifest.snapshots !== true) {
    throw new TypeError(
      `the ${name} database has no snapshots (its manifest does not say implicitSnapshots): an iterator of it shows what is ` +
        'written after it was made, so that a snapshot of the state would be of no one moment',
    )
  }
  if (readsSync && readSync === undefined && manifest.getSync !== true) {
    throw new TypeError(
      `the ${name} database has no getSync(), which applying needs: give \`readSync\`, a function where the store can read ` +
        "without waiting by another name, or 'memory' to keep the records in memory too",
    )
  }
}

class BroughtDatabase<Level extends AnyLevel> {
  readonly supports: Database['supports']
  readonly #level: Level
  readonly #options: BroughtOptions<Level>
  readonly #memory: MemoryReads | undefined
  readonly #underWay = new UnderWay()
  #open = true

  constructor(level: Level, options: BroughtOptions<Level>, memory: MemoryReads | undefined) {
    this.#level = level
    this.#options = options
    this.#memory = memory
    // As of abstract-level 3: that records can be read without waiting is seen to here.
    this.supports = { ...(level.supports as Database['supports']), ...{ getSync: options.readsSync } }
  }

  async get(key: string): Promise<Uint8Array> {
    const [value] = await this.getMany([key])
    // abstract-level's own type says that it is there.
    return value as Uint8Array
  }

  async getMany(keys: string[]): Promise<Uint8Array[]> {
    this.#checkOpen()
    return (await this.#underWay.run(() => this.#level.getMany(keys))) as Uint8Array[]
  }

  getSync(key: string): Uint8Array {
    // Asked here, since stores that read by another name may not ask: one of them takes the process down.
    this.#checkOpen()
    try {
      return this.#getSync(key) as Uint8Array
    } catch (error) {
      throw coded(error)
    }
  }

  batch = ((changes?: Change[], options?: object) => {
    this.#checkOpen()
    const batch = new BroughtBatch(this.#level.batch(), this.#memory, this.#underWay)
    if (changes === undefined) return batch
    for (const change of changes) {
      if (change.type === 'put') batch.put(change.key, change.value)
      else batch.del(change.key)
    }
    return batch.write(options ?? {})
  }) as unknown as Database['batch']

  iterator = ((range: object = {}) => {
    this.#checkOpen()
    return new BroughtIterator(this.#level.iterator(range), this.#underWay)
  }) as unknown as Database['iterator']

  keys = ((range: object = {}) => {
    this.#checkOpen()
    return new BroughtIterator(this.#level.keys(range), this.#underWay)
  }) as unknown as Database['keys']

  async close(): Promise<void> {
    this.#open = false
    await this.#underWay.settled()
    await this.#level.close()
    this.#memory?.clear()
  }

  #getSync(key: string): Uint8Array | undefined {
    const { readSync } = this.#options
    if (this.#memory !== undefined) return this.#memory.get(key)
    if (typeof readSync === 'function') return readSync(this.#level, Buffer.from(key, 'latin1'))
    return (this.#level as unknown as Database).getSync(key)
  }

  #checkOpen(): void {
    if (this.#open) return
    throw Object.assign(new Error(`the ${this.#options.name} database is closed`), { code: 'LEVEL_DATABASE_NOT_OPEN' })
  }
}

type Change =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: string }

class BroughtBatch {
  readonly #batch: AnyBatch
  readonly #memory: MemoryReads | undefined
  readonly #underWay: UnderWay
  readonly #changes: [string, Uint8Array | undefined][] = []

  constructor(batch: AnyBatch, memory: MemoryReads | undefined, underWay: UnderWay) {
    this.#batch = batch
    this.#memory = memory
    this.#underWay = underWay
  }

  put(key: string, value: Uint8Array): this {
    this.#batch.put(key, value)
    if (this.#memory !== undefined) this.#changes.push([key, value])
    return this
  }

  del(key: string): this {
    this.#batch.del(key)
    if (this.#memory !== undefined) this.#changes.push([key, undefined])
    return this
  }

  async write(options: object): Promise<void> {
    await this.#underWay.run(() => this.#batch.write(options))
    this.#memory?.change(this.#changes)
  }

  close(): Promise<void> {
    return this.#batch.close()
  }
}

class BroughtIterator {
  readonly #iterator: AnyIterator
  readonly #underWay: UnderWay

  constructor(iterator: AnyIterator, underWay: UnderWay) {
    this.#iterator = iterator
    this.#underWay = underWay
  }

  nextv(size: number): Promise<unknown[]> {
    return this.#underWay.run(() => this.#iterator.nextv(size))
  }

  all(): Promise<unknown[]> {
    return this.#underWay.run(() => this.#iterator.all())
  }

  close(): Promise<void> {
    return this.#iterator.close()
  }
}

/**
 * What a database was asked for and has not answered. It is closed when there is nothing of that: one store (RocksDB, by
 * @nxtedition/rocksdb 12.2) that is closed while it reads says that it is closed and keeps its lock.
 */
class UnderWay {
  readonly #asked = new Set<Promise<unknown>>()

  async run<T>(ask: () => Promise<T>): Promise<T> {
    let asked: Promise<T> | undefined
    try {
      asked = ask()
      this.#asked.add(asked)
      return await asked
    } catch (error) {
      throw coded(error)
    } finally {
      if (asked !== undefined) this.#asked.delete(asked)
    }
  }

  async settled(): Promise<void> {
    await Promise.allSettled(this.#asked)
  }
}

/** Storage takes errors with codes of Level for failures of the disk, and everything else for bugs of ours. */
function coded(error: unknown): Error {
  const { code, message = String(error) } = (error ?? {}) as { code?: unknown; message?: string }
  if (typeof code === 'string' && code.startsWith('LEVEL_')) return error as Error
  return Object.assign(new Error(message, { cause: error }), { code: 'LEVEL_IO_ERROR' })
}

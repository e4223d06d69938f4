/**
 * The state machine's records: changes gathered in memory, written as one atomic batch.
 *
 *     set, delete  ->  staged  --commit-->  flushing  --durable-->  recent (a cache)
 *                        |                     |                      |
 *     get              first                 second                 third             then the database
 *
 * Always: what is on disk is the state at one applied index, since whoever sets records sets the applied index among them
 * and commits between two applied entries. Reads see every change, in whatever stage it is.
 * Always: a commit is durable before the log is trimmed below it. An unsynced batch would not do, not even with a later
 * synced one behind it: LevelDB can lose an older unsynced batch and keep a newer synced one (its log is rotated without a
 * sync).
 *
 * The batch is built while records are staged, in LevelDB's own memory, so that a commit only starts a write: building
 * 8 MiB at once blocks the loop for tens of milliseconds.
 */
import { assert } from '../base/assert.js'
import type { Buggify } from '../base/buggify.js'
import { isStoreError, type StoreError } from '../base/errors.js'
import type { Backend } from '../mvcc/backend.js'
import { isBirth } from './birth-record.js'
import { DURABLE } from './database-options.js'
import type { Database } from './disk.js'
import type { DiskHealth } from './disk-health.js'
import type { HighWater } from './high-water.js'
import { mergeChanges, mergedView, type Pair } from './merged-view.js'
import { DELETED, Overlay } from './overlay.js'
import { readFailure } from './read-failure.js'
import { sealRecord, unsealRecord } from './sealed-record.js'

/**
 * What a change takes besides its key and record, about: objects, its place in a Map, LevelDB's tag and lengths. Counted,
 * since a compaction stages nothing but small deletions: by their bytes alone a batch would hold 300,000 of them, and a Map
 * that grows beyond 65,536 is rebuilt in one go, which takes tens of milliseconds.
 */
const OPERATION_BYTES = 128
const CHUNK_PAIRS = 1000
/** No record stands there: keys of the state begin with a letter (machine/state-records.ts). */
const FIRST_KEY = '\0'
const LAST_KEY = '\xff'

export interface StateStoreOptions {
  readonly database: Database
  readonly highWater: HighWater
  readonly health: DiskHealth
  readonly location: string
  /** To be called before the first write. */
  readonly verified: () => void
  readonly buggify: Buggify
}

export class StateStore implements Backend {
  readonly #database: Database
  readonly #highWater: HighWater
  readonly #health: DiskHealth
  readonly #location: string
  readonly #verified: () => void
  readonly #buggify: Buggify
  #batch: ReturnType<Database['batch']> | undefined
  #stagedBytes = 0
  #staged = new Overlay()
  #flushing: Overlay | undefined
  #recent: Overlay | undefined
  #committing: Promise<void> | undefined
  #defragmenting: Promise<void> | undefined
  /** Why it is not to be used any more. */
  #ended: StoreError | undefined

  /** Throws `TypeError` for a database that cannot be read synchronously: apply could not use it. */
  constructor(options: StateStoreOptions) {
    const { getSync } = options.database.supports as { getSync?: boolean }
    if (getSync !== true) {
      throw new TypeError('the state database must support getSync(), as classic-level and memory-level do')
    }
    this.#database = options.database
    this.#highWater = options.highWater
    this.#health = options.health
    this.#location = options.location
    this.#verified = options.verified
    this.#buggify = options.buggify
  }

  /** Bytes that what the next commit writes takes in memory, about; an overwritten record counts each time. */
  get stagedBytes(): number {
    return this.#stagedBytes
  }

  /** Whether a commit is under way. */
  get committing(): boolean {
    return this.#committing !== undefined
  }

  /** Throws `DATA_DAMAGED` when the record fails its checksum. The value is not to be changed. */
  get(key: string): Uint8Array | undefined {
    this.#checkOpen()
    const change = this.#change(key)
    if (change !== undefined) return change ?? undefined
    return this.#reading(() => {
      const sealed = this.#database.getSync(key)
      return sealed === undefined ? undefined : unsealRecord(key, sealed)
    })
  }

  /** Stages a record. It is the store's from here on: nobody changes it. */
  set(key: string, record: Uint8Array): void {
    this.#openBatch().put(key, sealRecord(key, record))
    this.#staged.put(key, record)
    this.#stagedBytes += key.length + record.byteLength + OPERATION_BYTES
  }

  delete(key: string): void {
    this.#openBatch().del(key)
    this.#staged.put(key, DELETED)
    this.#stagedBytes += key.length + OPERATION_BYTES
  }

  /**
   * Makes everything staged up to this call durable, all of it or nothing; then the high-water file too. One at a time;
   * staging goes on meanwhile, for the next one. Rejects with `DISK_FAILED`.
   */
  async commit(): Promise<void> {
    assert(this.#committing === undefined, 'a commit while another one is under way')
    this.#checkOpen()
    this.#health.check()
    this.#committing = this.#commit()
    try {
      await this.#committing
    } finally {
      this.#committing = undefined
    }
  }

  /**
   * Has the database rewrite its files without what was overwritten and deleted, beside reads and writes; nothing where it
   * cannot, as in memory. One at a time: who asks while it is under way waits for that one. Rejects with `DISK_FAILED`.
   */
  defragment(): Promise<void> {
    this.#defragmenting ??= this.#defragment().finally(() => (this.#defragmenting = undefined))
    return this.#defragmenting
  }

  /** The records of `keys`, as of this call. */
  async getMany(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    this.#checkOpen()
    const values: (Uint8Array | undefined)[] = new Array<undefined>(keys.length).fill(undefined)
    const missing: number[] = []
    keys.forEach((key, at) => {
      const change = this.#change(key)
      if (change === undefined) missing.push(at)
      else if (change !== DELETED) values[at] = change
    })
    if (missing.length === 0) return values
    await this.#readingAsync(async () => {
      const found = await this.#database.getMany(missing.map((at) => keys[at] as string))
      missing.forEach((at, position) => {
        const sealed = found[position]
        if (sealed !== undefined) values[at] = unsealRecord(keys[at] as string, sealed)
      })
    })
    return values
  }

  /** The first `limit` records with start <= key < end (undefined: to the last key), in key order, as of this call. */
  async range(start: string, end: string | undefined, limit: number): Promise<Pair[]> {
    assert(limit > 0, () => `a range of ${limit} records`)
    const pairs: Pair[] = []
    for await (const chunk of this.#view(start, end, limit)) {
      for (const pair of chunk) if (pairs.length < limit) pairs.push(pair)
      if (pairs.length >= limit) break
    }
    return pairs
  }

  /** All records in key order as of this call, in chunks, while work goes on. */
  iterateAll(): AsyncIterable<Pair[]> {
    return this.#view('', undefined, Infinity)
  }

  /** Those with start <= key < end (undefined: to the last key). */
  iterate(start: string, end: string | undefined): AsyncIterable<Pair[]> {
    return this.#view(start, end, Infinity)
  }

  /** Resolves when neither a commit nor a defragmentation is under way, however they ended. */
  async settled(): Promise<void> {
    await this.#committing?.catch(() => undefined)
    await this.#defragmenting?.catch(() => undefined)
  }

  /**
   * Closes the database once what is under way has ended; what is staged is dropped: it is in the log, or in the state that
   * took the place of this one. Then `why` says so: with `STATE_REPLACED`, which may be tried again, reads that come later
   * and views under way end; a read that was under way ends as it would have. Without it they end with `CLOSED`.
   */
  async close(why?: StoreError): Promise<void> {
    this.#ended ??= why
    await this.settled()
    const batch = this.#batch
    this.#batch = undefined
    await batch?.close()
    await this.#database.close()
  }

  async #commit(): Promise<void> {
    const batch = this.#batch
    this.#verified()
    if (batch !== undefined) {
      const flushing = this.#staged
      this.#batch = undefined
      this.#staged = new Overlay()
      this.#flushing = flushing
      this.#stagedBytes = 0
      await this.#health.during('writing the state', () => batch.write(DURABLE))
      this.#recent = this.#buggify('state-cache-dropped') ? undefined : flushing
      this.#flushing = undefined
    }
    await this.#highWater.sync()
  }

  /**
   * LevelDB merges each level into the next one, and rewrites of the last only what something above it overlaps: so
   * what is in memory is brought down first, and then two deletions of nothing, which overlap everything, are sent after it.
   */
  async #defragment(): Promise<void> {
    this.#health.check()
    const database = this.#database
    if (database.compactRange === undefined) return
    try {
      await database.compactRange(FIRST_KEY, LAST_KEY)
      await database.batch([
        { type: 'del', key: FIRST_KEY },
        { type: 'del', key: LAST_KEY },
      ])
      await database.compactRange(FIRST_KEY, LAST_KEY)
    } catch (error) {
      throw this.#health.fail('compacting the state', error)
    }
  }

  #openBatch(): ReturnType<Database['batch']> {
    if (this.#batch === undefined) {
      this.#checkOpen()
      this.#health.check()
      this.#batch = this.#database.batch()
    }
    return this.#batch
  }

  /** The newest change of `key` that is in memory. */
  #change(key: string): Uint8Array | typeof DELETED | undefined {
    const staged = this.#staged.get(key)
    if (staged !== undefined) return staged
    const flushing = this.#flushing?.get(key)
    if (flushing !== undefined) return flushing
    return this.#recent?.get(key)
  }

  #view(start: string, end: string | undefined, limit: number): AsyncGenerator<Pair[], void, undefined> {
    this.#checkOpen()
    // Everything is taken now, not at the first read: the view is of this moment. Of the flushing changes as many more are
    // needed as staged deletions may hide.
    const staged = this.#staged.slice(start, end, limit)
    const hidden = staged.filter(([, change]) => change === DELETED).length
    const flushing = this.#flushing?.slice(start, end, limit + hidden) ?? []
    const range = end === undefined ? { gte: start } : { gte: start, lt: end }
    // Of a database that was closed it throws right here.
    const iterator = this.#reading(() => this.#database.iterator(range))
    const unsealing = {
      nextv: (size: number) =>
        this.#readingAsync(async () => {
          let records = await iterator.nextv(size)
          if (records.some(isBirth)) {
            records = records.filter((record) => !isBirth(record))
            // Nothing would mean that this is the end.
            if (records.length === 0) records = await iterator.nextv(size)
          }
          return records.map(([key, sealed]): Pair => [key, unsealRecord(key, sealed)])
        }),
      close: () => iterator.close(),
    }
    const chunkPairs = this.#buggify('state-chunk-of-one') ? 1 : CHUNK_PAIRS
    const reading = { chunkPairs: Math.min(chunkPairs, limit), ahead: limit === Infinity }
    return mergedView(mergeChanges(flushing, staged), unsealing, reading)
  }

  #reading<T>(read: () => T): T {
    try {
      return read()
    } catch (error) {
      throw this.#failure(error)
    }
  }

  async #readingAsync<T>(read: () => Promise<T>): Promise<T> {
    try {
      return await read()
    } catch (error) {
      throw this.#failure(error)
    }
  }

  #failure(error: unknown): unknown {
    const failure = readFailure(this.#location, 'the state', error)
    return this.#ended !== undefined && isStoreError(failure, 'CLOSED') ? this.#ended : failure
  }

  #checkOpen(): void {
    if (this.#ended !== undefined) throw this.#ended
  }
}

/**
 * One member's storage: opened as a whole, verified, or not at all.
 *
 *     peek       format and owner, from the high-water file; nothing is changed by a refusal
 *     acquire    this process alone
 *     mark       the high-water mark becomes durable, so that what it shows does not change
 *     verify     the log against its head, the head against the high-water mark (log-loader.ts)
 *     create     for a new one: high-water file first, then the log's first write
 *     start      the incarnation grows by one, durably: no two runs share one
 *     meet       the state against the log, once its owner has read it (LogStore.storedState); only then is what the disk
 *                kept from before the open let go
 *
 * Always: a log without a high-water file is damage, not a new directory. Therefore the file is made before anything is
 * written to the log, whole or not at all, and marked as standing before the log's first write (generation 0).
 */
import { NEVER, type Buggify } from '../base/buggify.js'
import type { Timers } from '../base/clock.js'
import { type LogHead, encodeLogHead, LOG_HEAD_KEY } from './log-head.js'
import { damaged } from './damage.js'
import { DURABLE } from './database-options.js'
import type { Database, Disk, SlotFile } from './disk.js'
import { asStoreError, unclosedFailure } from './disk-failure.js'
import { DiskHealth } from './disk-health.js'
import { DiskWatch } from './disk-watch.js'
import { HighWater, type HighWaterContent, NO_MARK, newHighWater, readHighWater } from './high-water.js'
import { IDENTITY_KEY, type Identity, checkIdentity, encodeIdentity, refuseForeign } from './identity.js'
import { type LoadedLog, loadLog } from './log-loader.js'
import { LogStore } from './log-store.js'
import { readFailure } from './read-failure.js'
import { StateStore } from './state-store.js'

const EMPTY_HEAD: LogHead = {
  generation: 0,
  incarnation: 0,
  hardState: { term: 0, vote: 0 },
  base: { index: 0, term: 0, chain: 0 },
  last: { index: 0, term: 0, chain: 0 },
}

/** What is to be closed, last opened first. */
type Closers = (() => Promise<void>)[]

export interface StorageOptions {
  /** Milliseconds that a write, a sync or the close may take; needs `timers`. Default: they are waited for. */
  readonly diskTimeoutMs?: number
  readonly timers?: Timers
  readonly buggify?: Buggify
}

interface Opened {
  readonly file: SlotFile
  readonly log: Database
  readonly state: Database
}

export class Storage {
  /** How often this storage has been opened, this time included; durable before anything can rest on it. */
  readonly incarnation: number
  /** Whether there was data of this member before this open. */
  readonly used: boolean
  /** Whether what is written survives this process. */
  readonly permanent: boolean
  /** Where it is, for messages. */
  readonly location: string
  readonly log: LogStore
  readonly state: StateStore
  /** What it takes physically; undefined where the disk does not tell. */
  readonly sizeBytes: () => Promise<number | undefined>
  readonly #close: () => Promise<void>
  #closing: Promise<void> | undefined

  /** @internal Use {@link openStorage}. */
  constructor(
    parts: Pick<Storage, 'incarnation' | 'used' | 'permanent' | 'location' | 'log' | 'state' | 'sizeBytes'>,
    close: () => Promise<void>,
  ) {
    this.incarnation = parts.incarnation
    this.used = parts.used
    this.permanent = parts.permanent
    this.location = parts.location
    this.log = parts.log
    this.state = parts.state
    this.sizeBytes = parts.sizeBytes
    this.#close = close
  }

  /**
   * Waits for the writes under way and closes everything; what is staged and not committed is dropped (it is in the log).
   * Calling it again returns the same promise. Rejects when something could not be closed; the rest is closed even so.
   */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

/**
 * Opens what belongs to `identity` on `disk`, creating it on an empty one. On rejection everything is closed and released
 * again: `FORMAT_TOO_NEW`, `WRONG_CLUSTER`, `WRONG_MEMBER` (nothing on disk was touched), `DATA_DIR_IN_USE`,
 * `DATA_DAMAGED` (the disk keeps the files as they were before the open), `DISK_FAILED`.
 */
export async function openStorage(disk: Disk, identity: Identity, options: StorageOptions = {}): Promise<Storage> {
  const { buggify = NEVER, timers, diskTimeoutMs } = options
  const watch = new DiskWatch(timers, diskTimeoutMs)
  checkIdentity(identity)
  const peeked = readContent(await disk.peek('high-water'), identity, disk.location)
  const create = peeked === undefined || peeked.mark.generation === 0
  await disk.acquire({ create })
  const closers: Closers = [() => disk.release()]
  try {
    const opened = await openParts(disk, create, closers)
    return await startStorage(disk, identity, opened, closers, watch, buggify)
  } catch (error) {
    // What failed first is what matters; that closing failed as well adds nothing.
    await closeInTime(closers, watch, disk.location).catch(() => undefined)
    throw asStoreError(`${disk.location} cannot be opened`, error)
  }
}

async function openParts(disk: Disk, create: boolean, closers: Closers): Promise<Opened> {
  const log = await disk.openDatabase('log', { create })
  closers.push(() => log.close())
  const state = await disk.openDatabase('state', { create })
  closers.push(() => state.close())
  const file = await disk.openSlotFile('high-water')
  closers.push(() => file.close())
  return { file, log, state }
}

async function startStorage(
  disk: Disk,
  identity: Identity,
  opened: Opened,
  closers: Closers,
  watch: DiskWatch,
  buggify: Buggify,
): Promise<Storage> {
  const { location } = disk
  const { file, log: database } = opened
  const health = new DiskHealth(location, watch)
  const content = readContent(await file.read(), identity, location)
  // The mark first: it may lie in the page cache only, and if it convicts the log it must do so after a power loss too.
  const resumed = content === undefined ? undefined : await HighWater.resume(file, health, content)
  const loaded = await loadLog(database, content?.identity ?? identity, content?.mark ?? NO_MARK, location)
  const highWater = resumed ?? (await createHighWater(opened, identity, loaded, location, health))
  const head = await recordStart(database, identity, loaded, health)
  highWater.write(head)
  await highWater.sync()

  const { spans, entries } = loaded ?? { spans: [], entries: [] }
  const verified = once(() => {
    try {
      disk.verified?.()
    } catch (error) {
      throw health.fail('removing what was kept from before the open', error)
    }
  })
  const log = new LogStore({
    database,
    highWater,
    health,
    location,
    verified,
    buggify,
    loaded: { head, spans, entries },
  })
  const state = new StateStore({ database: opened.state, highWater, health, location, verified, buggify })
  const close = async (): Promise<void> => {
    health.close()
    await log.settled()
    await state.settled()
    await state.discard()
    // The last mark, for the sake of a power loss after the close.
    closers.push(() => syncLast(file, health))
    try {
      await closeInTime(closers, watch, location)
    } catch (error) {
      throw asStoreError(`closing ${location} failed`, error)
    }
  }
  const { permanent } = disk
  const sizeBytes = async (): Promise<number | undefined> => disk.sizeBytes?.()
  return new Storage(
    { incarnation: head.incarnation, used: loaded !== undefined, permanent, location, log, state, sizeBytes },
    close,
  )
}

/** The content of the high-water file; undefined when there is none. Refuses what this member must not touch. */
function readContent(
  bytes: Uint8Array | undefined,
  identity: Identity,
  location: string,
): HighWaterContent | undefined {
  if (bytes === undefined) return undefined
  const content = readHighWater(bytes, location)
  refuseForeign(content.identity, identity, location)
  return content
}

async function createHighWater(
  opened: Opened,
  identity: Identity,
  loaded: LoadedLog | undefined,
  location: string,
  health: DiskHealth,
): Promise<HighWater> {
  if (loaded !== undefined || (await holdsRecords(opened.state, location)))
    throw damaged(location, 'the high-water file is missing')
  await health.during('creating the high-water file', () => opened.file.create(newHighWater(identity)))
  return HighWater.resume(opened.file, health, { mark: NO_MARK, slot: 0 })
}

async function holdsRecords(state: Database, location: string): Promise<boolean> {
  try {
    return (await state.keys({ limit: 1 }).all()).length > 0
  } catch (error) {
    throw readFailure(location, 'the state', error)
  }
}

/** The first write of this run: its incarnation, and on a new disk who it belongs to. */
async function recordStart(
  database: Database,
  identity: Identity,
  loaded: LoadedLog | undefined,
  health: DiskHealth,
): Promise<LogHead> {
  const before = loaded?.head ?? EMPTY_HEAD
  const head = { ...before, generation: before.generation + 1, incarnation: before.incarnation + 1 }
  const batch = database.batch().put(LOG_HEAD_KEY, encodeLogHead(head))
  if (loaded === undefined) batch.put(IDENTITY_KEY, encodeIdentity(identity))
  await health.during('writing the log', () => batch.write(DURABLE))
  return head
}

async function syncLast(file: SlotFile, health: DiskHealth): Promise<void> {
  if (health.failure === undefined) await health.during('syncing the high-water file', () => file.sync())
}

/** As {@link closeAll}, but not for longer than the disk may take for anything; what is not closed then stays open. */
async function closeInTime(closers: Closers, watch: DiskWatch, location: string): Promise<void> {
  try {
    await watch.wait(closeAll(closers), () => unclosedFailure(location, watch.timeoutMs))
  } finally {
    watch.stop()
  }
}

/** Closes everything, whatever fails on the way; rejects with the first failure. */
async function closeAll(closers: Closers): Promise<void> {
  const failures: unknown[] = []
  for (const close of closers.splice(0).reverse()) await close().catch((error: unknown) => failures.push(error))
  if (failures.length > 0) throw failures[0]
}

function once(action: () => void): () => void {
  let done = false
  return () => {
    if (done) return
    done = true
    action()
  }
}

/**
 * One member's storage: opened as a whole, verified, or not at all.
 *
 *     peek       format and owner, from the high-water file; nothing is changed by a refusal
 *     acquire    this process alone
 *     log        it and the high-water mark, each judged by the other (open-log.ts)
 *     state      the database that the log's head names (state-slots.ts)
 *     births     a log that is older than a state beside it has lost what it held (birth-record.ts)
 *     start      the incarnation grows by one, durably: no two runs share one
 *     meet       the state against the log, once its owner has read it; only then is what the disk kept from before the
 *                open let go
 *
 * What is damaged is refused, or given up where the caller says that there is somebody to get it from (`recover`): a log for
 * the promises that were in it, a state for one of another member, or for what the log brings back.
 */
import { NEVER, type Buggify } from '../base/buggify.js'
import type { Timers } from '../base/clock.js'
import type { StoreError } from '../base/errors.js'
import type { FormerCluster } from '../base/former-cluster.js'
import type { LogPosition, Promises } from '../raft/types.js'
import { birthIn, birthOf, olderLog } from './birth-record.js'
import { damaged, whatIsDamaged } from './damage.js'
import { DURABLE } from './database-options.js'
import type { Database, Disk, SlotFile } from './disk.js'
import { asStoreError, unclosedFailure } from './disk-failure.js'
import { DiskHealth } from './disk-health.js'
import { DiskWatch } from './disk-watch.js'
import { HighWater, markOf } from './high-water.js'
import { IDENTITY_KEY, type Identity, checkIdentity, encodeIdentity } from './identity.js'
import type { IncomingState } from './incoming-state.js'
import { type LogHead, encodeLogHead, LOG_HEAD_KEY } from './log-head.js'
import type { LogFinding } from './log-loader.js'
import { LogStore, type NewBeginning } from './log-store.js'
import { findMark, mayBeNew, openLog } from './open-log.js'
import { openState, otherSlot, StateSlots } from './state-slots.js'
import type { StateStore } from './state-store.js'

export interface StorageOptions {
  /**
   * Whether to go on without what is damaged: right for a member of a cluster of several, which gets it from the others.
   * Default false: `DATA_DAMAGED`, and nothing is thrown away.
   */
  readonly recover?: boolean
  /**
   * The least incarnation of this open: the time of day, so that it is not one that the member had before where its disk has
   * forgotten how often it was opened. Default 0: they are counted.
   */
  readonly incarnationFloor?: number
  /**
   * What an empty disk is of, recorded with the first write: of a member that was there before (`rejoining`), or was added to
   * a cluster (`joining`). Neither has any promises to keep by, so they count as lost. Default: of a new member.
   */
  readonly beginning?: 'rejoining' | 'joining' | undefined
  /** Milliseconds that a write, a sync or the close may take; needs `timers`. Default: they are waited for. */
  readonly diskTimeoutMs?: number
  readonly timers?: Timers
  readonly buggify?: Buggify
}

/** What is to be closed, last opened first. */
type Closers = (() => Promise<void>)[]

interface StorageParts {
  readonly disk: Disk
  readonly log: LogStore
  readonly slots: StateSlots
  readonly incarnationBefore: number
  readonly incarnationFloor: number
  readonly used: boolean
  readonly recover: boolean
  readonly damage: readonly string[]
  /** Whether its database did not even open. */
  readonly stateGivenUp: boolean
  /** Notes what is about to be given up. */
  readonly note: (what: string) => void
  readonly former: readonly FormerCluster[]
  /** Whose the directory is, and what it was before. */
  readonly rename: (owner: Identity, former: readonly FormerCluster[]) => Promise<void>
  readonly close: () => Promise<void>
}

export class Storage {
  readonly #parts: StorageParts
  #stateGivenUp: boolean
  #closing: Promise<void> | undefined

  /** @internal Use {@link openStorage}. */
  constructor(parts: StorageParts) {
    this.#parts = parts
    this.#stateGivenUp = parts.stateGivenUp
  }

  /** Grows with every open, and is durable before anything can rest on it. To be asked after {@link meet}. */
  get incarnation(): number {
    return this.#parts.log.incarnation
  }

  /** The incarnation of the open before this one, as far as this disk knows; 0 where there was none. */
  get incarnationBefore(): number {
    return this.#parts.incarnationBefore
  }

  /** Whether there was data of this member before this open. */
  get used(): boolean {
    return this.#parts.used
  }

  /** Whether what is written survives this process. */
  get permanent(): boolean {
    return this.#parts.disk.permanent
  }

  /** Where it is, for messages. */
  get location(): string {
    return this.#parts.disk.location
  }

  get log(): LogStore {
    return this.#parts.log
  }

  /** The current one: {@link install} replaces it, so that it is to be asked for at each use. */
  get state(): StateStore {
    return this.#parts.slots.current
  }

  /** Whether all that was promised from this disk is known to be on it. */
  get promises(): Promises {
    return this.#parts.log.promises
  }

  /** What was found damaged and given up, one sentence each. */
  get damage(): readonly string[] {
    return this.#parts.damage
  }

  /** The clusters that it belonged to before, the latest last. */
  get formerClusters(): readonly FormerCluster[] {
    return this.#parts.former
  }

  /**
   * It belongs to `owner` from here on, in one durable step, and `former` says what it belonged to before. To be closed right
   * after: the log gets its new name by the next open. Rejects with `DISK_FAILED`; whose it is is unknown then.
   */
  async leaveCluster(owner: Identity, former: readonly FormerCluster[]): Promise<void> {
    checkIdentity(owner)
    await this.#parts.rename(owner, former)
  }

  /** What it takes physically; undefined where the disk does not tell. */
  async sizeBytes(): Promise<number | undefined> {
    return this.#parts.disk.sizeBytes?.()
  }

  /**
   * The state against the log, once its owner has read it and before the log is written to: `applied` is its position.
   * Resolves with whether it stands; false: it was given up, and is empty now. A log that is behind it begins anew behind it,
   * and promises are lost.
   *
   * Rejects with `DATA_DAMAGED` where they do not meet and nothing may be given up, and with `DISK_FAILED`.
   */
  async meet(applied: LogPosition): Promise<boolean> {
    const { log, recover, incarnationFloor, note } = this.#parts
    const misfit = this.#stateGivenUp ? undefined : log.misfit(applied)
    if (misfit === undefined) return true
    // Of an open before this one: there is nothing to be given up.
    if (recover && log.awaitsState && applied.index === 0) return true
    if (!recover) throw damaged(this.location, misfit.what)
    if (misfit.kind === 'state-behind') {
      await this.giveUpState(misfit.what)
      return false
    }
    note(misfit.what)
    if (misfit.kind === 'log-behind') {
      await log.losePromises(incarnationFloor, applied)
      return true
    }
    // Which of the two is the wrong one cannot be told: what the log says is believed no more than any late member's.
    await log.losePromises(incarnationFloor)
    await this.giveUpState(misfit.what)
    return false
  }

  /**
   * The state is damaged, as `why` says: an empty one takes its place, durably, before anything was written to it. Where
   * the log goes back to its beginning, that brings it back; else the member waits for a state of another one.
   *
   * Rejects with `DATA_DAMAGED` where neither is possible, and with `DISK_FAILED`.
   */
  async giveUpState(why: StoreError | string): Promise<void> {
    const { log, slots, recover, damage, note } = this.#parts
    if (!recover && log.base.index > 0) throw withoutState(why, log.base.index, this.location)
    const what = typeof why === 'string' ? why : whatIsDamaged(why)
    if (!damage.includes(what)) note(what)
    this.#stateGivenUp = true
    await slots.giveUp()
    if (log.base.index > 0) await log.awaitState()
  }

  /**
   * A fresh database beside the state, to receive another one in. One at a time: one that was begun before is discarded.
   * Rejects with `DISK_FAILED`, which concerns nothing but the attempt.
   */
  async beginIncoming(): Promise<IncomingState> {
    try {
      return await this.#parts.slots.beginIncoming()
    } catch (error) {
      throw asStoreError(`a state cannot be received in ${this.location}`, error)
    }
  }

  /**
   * `incoming`, which is finished, is the state from here on, in one durable write. With `beginning` (a snapshot that takes
   * the place of the log) the log is empty behind that position; without it (a repair) it stays, and must durably hold the
   * position of the state already. When the promise resolves, {@link state} is the new one; of the old one, reads end with
   * `STATE_REPLACED`. A crash leaves the old state with the old log, or the new with the new.
   */
  async install(incoming: IncomingState, beginning?: NewBeginning): Promise<void> {
    await this.#parts.slots.install(incoming, beginning)
  }

  /**
   * Waits for the writes under way and closes everything; what is staged and not committed is dropped (it is in the log).
   * Calling it again returns the same promise. Rejects when something could not be closed; the rest is closed even so.
   */
  close(): Promise<void> {
    this.#closing ??= this.#parts.close()
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
  const watch = new DiskWatch(options.timers, options.diskTimeoutMs)
  checkIdentity(identity)
  const peeked = findMark(await disk.peek('high-water'), identity, disk.location)
  if (peeked.damage !== undefined && options.recover !== true) throw peeked.damage
  await disk.acquire({ create: mayBeNew(peeked) })
  const closers: Closers = [() => disk.release()]
  try {
    return await startStorage(disk, identity, closers, watch, options)
  } catch (error) {
    // What failed first is what matters; that closing failed as well adds nothing.
    await closeInTime(closers, watch, disk.location).catch(() => undefined)
    throw asStoreError(`${disk.location} cannot be opened`, error)
  }
}

async function startStorage(
  disk: Disk,
  identity: Identity,
  closers: Closers,
  watch: DiskWatch,
  { recover = false, incarnationFloor = 0, beginning, buggify = NEVER }: StorageOptions,
): Promise<Storage> {
  const { location } = disk
  const health = new DiskHealth(location, watch)
  const damage: string[] = []
  const note = (what: string): void => {
    telling(health, 'keeping what was there before the open', () => disk.givenUp?.())
    damage.push(what)
  }
  const giveUp = (error: StoreError, finding: LogFinding): void => {
    if (!recover) throw withWhatIsWhole(error, finding, location)
    note(whatIsDamaged(error))
  }
  const opened = (database: Database): void => {
    closers.push(() => database.close())
  }

  const there = await disk.databases()
  const file = await disk.openSlotFile('high-water')
  closers.push(() => file.close())
  const opening = { disk, identity, file, health, there, opened, giveUp, incarnationFloor }
  const { database, highWater, loaded, used, slotKnown, former } = await openLog(opening)

  const { base, slot, generation } = loaded.head
  const refuseOlderLog = (bornAt: number): void => {
    if (bornAt > generation && !recover) throw damaged(location, olderLog(generation, bornAt))
  }
  const unused = otherSlot(slot)
  const bornBeside = there.includes(unused) ? await birthIn(disk, unused) : 0
  refuseOlderLog(bornBeside)
  let stateGivenUp = false
  const state = await openState(disk, slot, { create: !used, known: slotKnown }, (error) => {
    if (!recover && base.index > 0) throw withoutState(error, base.index, location)
    note(whatIsDamaged(error))
    stateGivenUp = true
  })
  opened(state)

  const awaitsState = loaded.head.awaitsState || (base.index > 0 && stateGivenUp)
  let before: LogHead = { ...loaded.head, awaitsState }
  if (!used && beginning !== undefined) before = { ...before, promises: 'lost', joined: beginning === 'joining' }
  const born = Math.max(birthOf(state, location), bornBeside)
  refuseOlderLog(born)
  if (born > generation) {
    if (before.promises === 'kept') note(olderLog(generation, born))
    const incarnation = Math.max(before.incarnation, incarnationFloor)
    before = { ...before, generation: born, incarnation, promises: 'lost' }
    await highWater.writeLost(markOf(before))
  }
  const head = await recordStart(database, identity, before, incarnationFloor, health)
  highWater.write(head)
  await highWater.sync()

  const verified = once(() => {
    telling(health, 'removing what was kept from before the open', () => disk.verified?.())
  })
  const common = { highWater, health, location, verified, buggify }
  const log = new LogStore({ ...common, database, loaded: { ...loaded, head } })
  const slots = new StateSlots({ ...common, disk, log }, state)
  await slots.clear(there)

  const close = async (): Promise<void> => {
    health.close()
    await log.settled()
    // The last mark, for the sake of a power loss after the close.
    closers.push(() => syncLast(file, health))
    closers.push(() => slots.close())
    try {
      await closeInTime(closers, watch, location)
    } catch (error) {
      throw asStoreError(`closing ${location} failed`, error)
    }
  }
  const rename = async (owner: Identity, left: readonly FormerCluster[]): Promise<void> => {
    await HighWater.create(file, health, owner, log.mark, left)
  }
  return new Storage({
    disk,
    log,
    slots,
    incarnationBefore: before.incarnation,
    incarnationFloor,
    used,
    recover,
    damage,
    stateGivenUp,
    note,
    former,
    rename,
    close,
  })
}

/** What can be read of a log that is damaged, and may be all that there is. */
function withWhatIsWhole(error: StoreError, { spans }: LogFinding, location: string): StoreError {
  const [first, last] = [spans[0], spans[spans.length - 1]]
  if (first === undefined || last === undefined) return error
  const what = `${whatIsDamaged(error)}; entries ${first.firstIndex} to ${last.lastIndex} are whole`
  return damaged(location, what, error)
}

/** Alone, and with a log that does not bring it back. */
function withoutState(why: StoreError | string, base: number, location: string): StoreError {
  const [what, cause] = typeof why === 'string' ? [why, undefined] : [whatIsDamaged(why), why]
  const log = `the log is whole, but begins at entry ${base + 1}, so that it cannot bring the state back`
  return damaged(location, `${what}; ${log}`, cause)
}

/** The first write of this run: its incarnation, and who it belongs to. */
async function recordStart(
  database: Database,
  identity: Identity,
  before: LogHead,
  incarnationFloor: number,
  health: DiskHealth,
): Promise<LogHead> {
  const incarnation = Math.max(before.incarnation + 1, incarnationFloor)
  const head = { ...before, generation: before.generation + 1, incarnation }
  const batch = database.batch().put(LOG_HEAD_KEY, encodeLogHead(head))
  batch.put(IDENTITY_KEY, encodeIdentity(identity))
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

function telling(health: DiskHealth, what: string, tell: () => void): void {
  try {
    tell()
  } catch (error) {
    throw health.fail(what, error)
  }
}

function once(action: () => void): () => void {
  let done = false
  return () => {
    if (done) return
    done = true
    action()
  }
}

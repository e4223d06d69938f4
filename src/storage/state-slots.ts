/**
 * The databases that hold the state: one that is in use, and at times another one beside it.
 *
 *     state      in use                                 removed
 *     state-2                 received, whole           in use
 *     log's head  state       state                     state-2
 *                                          ^ one durable write: before it the old state counts, after it the new one
 *
 * Always: which one is in use stands in the head of the log (log-head.ts), and nowhere else; so that a state and a log that
 * begins behind it come into force together. The one that is not in use holds nothing that anybody needs: it is removed after
 * the change, and by every open. Where that fails it stays for the next time.
 * Always: a database is never made over the remains of another one: LevelDB would read what it finds there.
 */
import { assert } from '../base/assert.js'
import type { Buggify } from '../base/buggify.js'
import { isStoreError, StoreError } from '../base/errors.js'
import { damaged } from './damage.js'
import type { Database, DatabaseName, Disk, StateSlot } from './disk.js'
import type { DiskHealth } from './disk-health.js'
import type { HighWater } from './high-water.js'
import { IncomingState } from './incoming-state.js'
import type { LogStore, NewBeginning } from './log-store.js'
import { StateStore } from './state-store.js'

export const STATE_SLOTS: readonly StateSlot[] = ['state', 'state-2']

export interface StateSlotsParts {
  readonly disk: Disk
  readonly log: LogStore
  readonly highWater: HighWater
  readonly health: DiskHealth
  readonly verified: () => void
  readonly buggify: Buggify
}

export class StateSlots {
  readonly #parts: StateSlotsParts
  #current: StateStore
  #incoming: IncomingState | undefined
  /** One that is just being made. */
  #beginning: Promise<IncomingState> | undefined
  /** The removal of what is not in use any more; never rejects. */
  #disposing: Promise<void> = Promise.resolve()

  /** `database`: that of the slot which the log names. */
  constructor(parts: StateSlotsParts, database: Database) {
    this.#parts = parts
    this.#current = this.#storeOf(database)
  }

  get current(): StateStore {
    return this.#current
  }

  /** Removes what a crash left in the slot that is not in use; `there`: the databases that were found. */
  async clear(there: readonly DatabaseName[]): Promise<void> {
    const unused = otherSlot(this.#parts.log.slot)
    if (there.includes(unused)) await this.#remove(unused)
  }

  /** A fresh database in the slot that is not in use. One at a time: one that was begun before is discarded. */
  async beginIncoming(): Promise<IncomingState> {
    this.#parts.health.check()
    assert(this.#beginning === undefined, 'a state is begun to be received while another one is being begun')
    this.#beginning = this.#begin()
    try {
      return await this.#beginning
    } finally {
      this.#beginning = undefined
    }
  }

  /** Resolves in the turn in which it is the current one. */
  async install(incoming: IncomingState, beginning?: NewBeginning): Promise<void> {
    assert(incoming === this.#incoming && incoming.finished, 'a state is installed that is not whole, or was discarded')
    this.#incoming = undefined
    const { log } = this.#parts
    const { slot } = log
    await log.takeState(incoming.slot, beginning)
    const old = this.#current
    this.#current = incoming.state
    this.#disposing = this.#retire(old, slot)
  }

  /** An empty database in the place of the current one, whose owner has not begun to work. */
  async giveUp(): Promise<void> {
    const { disk, log } = this.#parts
    await this.#current.close()
    this.#current = this.#storeOf(await openAnew(disk, log.slot))
  }

  /** Waits for what is under way and closes everything; what is staged and not committed is dropped. */
  async close(): Promise<void> {
    await this.#beginning?.catch(() => undefined)
    await this.#incoming?.discard()
    await this.#disposing
    await this.#current.close()
  }

  async #begin(): Promise<IncomingState> {
    const { disk, log, health } = this.#parts
    await this.#incoming?.discard()
    await this.#disposing
    const slot = otherSlot(log.slot)
    await disk.discardDatabase(slot)
    const database = await health.answering('making a database for a state', () =>
      disk.openDatabase(slot, { create: true }),
    )
    const state = this.#storeOf(database)
    const discard = async (): Promise<void> => {
      if (this.#incoming === incoming) this.#incoming = undefined
      // Whoever closes waits for it, in time.
      this.#disposing = this.#retire(state, slot)
      await this.#disposing
    }
    const { location } = disk
    const generation = (): number => log.mark.generation
    const incoming = new IncomingState({ slot, database, state, health, location, generation, discard })
    this.#incoming = incoming
    return incoming
  }

  async #retire(state: StateStore, slot: StateSlot): Promise<void> {
    const { location } = this.#parts.disk
    const replaced = new StoreError('STATE_REPLACED', `the state in ${location} was replaced by that of another member`)
    await state.close(replaced).catch(() => undefined)
    await this.#remove(slot)
  }

  /** It takes up space, and nothing else: where it cannot be removed now, a later time will do. */
  async #remove(slot: StateSlot): Promise<void> {
    await this.#parts.disk.discardDatabase(slot).catch(() => undefined)
  }

  #storeOf(database: Database): StateStore {
    const { disk, highWater, health, verified, buggify } = this.#parts
    return new StateStore({ database, highWater, health, location: disk.location, verified, buggify })
  }
}

/**
 * Opens the database of the state. Where it is damaged, or not known to be the current one, and `giveUp` allows it by
 * returning, an empty one takes its place.
 */
export async function openState(
  disk: Disk,
  slot: StateSlot,
  { create, known }: { readonly create: boolean; readonly known: boolean },
  giveUp: (damage: StoreError) => void,
): Promise<Database> {
  try {
    if (known) return await disk.openDatabase(slot, { create })
    giveUp(damaged(disk.location, 'there are two states, and nothing is left to tell which of them is the current one'))
  } catch (error) {
    if (!known || !isStoreError(error, 'DATA_DAMAGED')) throw error
    giveUp(error)
  }
  return openAnew(disk, slot)
}

async function openAnew(disk: Disk, slot: StateSlot): Promise<Database> {
  await disk.discardDatabase(slot)
  return disk.openDatabase(slot, { create: true })
}

export function otherSlot(slot: StateSlot): StateSlot {
  return slot === 'state' ? 'state-2' : 'state'
}

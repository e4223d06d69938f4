/**
 * A state that is received whole, beside the one in use: in a database of its own, which becomes the current one only when
 * it is installed (state-slots.ts).
 *
 * Always: the record of the applied position is written last, after all others are durable, and with it when the state came
 * to be (birth-record.ts): what a crash leaves without them is no state. A failure here concerns nothing that was promised: the member goes on with the state it has; but not where the
 * disk does not answer (disk-health.ts).
 */
import { assert } from '../base/assert.js'
import { StoreError } from '../base/errors.js'
import { sealedBirth } from './birth-record.js'
import { DURABLE } from './database-options.js'
import { diskFailure, isUnanswered } from './disk-failure.js'
import type { Database, StateSlot } from './disk.js'
import type { DiskHealth } from './disk-health.js'
import type { Pair } from './merged-view.js'
import { sealRecord } from './sealed-record.js'
import type { StateStore } from './state-store.js'

export interface IncomingStateParts {
  readonly slot: StateSlot
  readonly database: Database
  /** Over the same database: for the machine that is loaded from what is received. */
  readonly state: StateStore
  readonly location: string
  readonly health: DiskHealth
  /** How many writes the log counts now. */
  readonly generation: () => number
  /** Closes and removes it. */
  readonly discard: () => Promise<void>
}

export class IncomingState {
  readonly slot: StateSlot
  /** What the machine that is loaded from it reads. Nothing is to be changed in it before it is installed. */
  readonly state: StateStore
  readonly #parts: IncomingStateParts
  #finished = false
  #discarded: Promise<void> | undefined

  /** @internal Use `Storage.beginIncoming`. */
  constructor(parts: IncomingStateParts) {
    this.slot = parts.slot
    this.state = parts.state
    this.#parts = parts
  }

  get finished(): boolean {
    return this.#finished && this.#discarded === undefined
  }

  /**
   * Records as the machine has them, in any order, all but that of the applied position. Rejects with `DISK_FAILED`, and with
   * `CLOSED` after it was discarded, as it is when the storage is closed.
   */
  async write(pairs: readonly Pair[]): Promise<void> {
    await this.#write(pairs.map(([key, record]): Pair => [key, sealRecord(key, record)]))
  }

  /** The record of the applied position: with it the state is whole, and durable. Rejects with `DISK_FAILED`. */
  async finish([key, record]: Pair): Promise<void> {
    await this.#write([[key, sealRecord(key, record)], sealedBirth(this.#parts.generation())])
    this.#finished = true
  }

  /** It is not needed any more. Nothing of it stays; what cannot be removed now is removed by the next open. */
  discard(): Promise<void> {
    this.#discarded ??= this.#parts.discard()
    return this.#discarded
  }

  async #write(sealed: readonly Pair[]): Promise<void> {
    assert(!this.#finished, 'a record of a received state comes after its end')
    const { database, health, location } = this.#parts
    if (this.#discarded !== undefined) {
      throw new StoreError('CLOSED', `the state that was being received in ${location} was discarded`)
    }
    const batch = database.batch()
    for (const [key, value] of sealed) batch.put(key, value)
    try {
      await health.answering('writing a received state', () => batch.write(DURABLE))
    } catch (error) {
      if (this.#discarded !== undefined) throw new StoreError('CLOSED', `${location} is closed`, { cause: error })
      if (isUnanswered(error)) throw error
      throw diskFailure(`writing a received state failed in ${location}`, error)
    }
  }
}

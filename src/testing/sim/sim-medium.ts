/**
 * What lies on a simulated disk: one database and what a crash leaves of it.
 *
 *     begun       handed to the disk, not acknowledged
 *     written     acknowledged, visible to readers; in the page cache
 *     synced      survives a power loss
 *
 * Always, after the loss of the process: everything written, and of what was begun a prefix; each batch whole or not at all.
 * Always, after the loss of power: everything synced; behind it, of each epoch, a prefix of the rest.
 *
 * An epoch is one file of LevelDB's log. A sync reaches its own file only, so that an older unsynced batch can vanish while
 * a newer synced one stays, until the older file has been compacted: two rotations later, here. (The reference on LevelDB's
 * crash model calls this M0 and M1; holes, flipped bits and lying syncs, M3 to M10, belong into `crash` and into
 * the reads of sim-level.ts.)
 */
import { assert } from '../../base/assert.js'
import { OrderedMap } from '../../base/ordered-map.js'
import { below, type Random } from '../../base/random.js'

export type CrashKind = 'process' | 'power'

/** A key and its new value; undefined deletes it. */
export type Operation = readonly [key: string, value: Uint8Array | undefined]

/** A batch on its way to durability. */
export interface SimWrite {
  readonly operations: readonly Operation[]
  readonly sync: boolean
  readonly epoch: number
  written: boolean
  synced: boolean
}

/** One write in so many opens a new epoch. */
const ROTATION_ONE_IN = 64

export class SimMedium {
  readonly #random: Random
  #durable = new OrderedMap<Uint8Array>()
  #current = new OrderedMap<Uint8Array>()
  /** What is not yet in `#durable`, in the order it was begun. */
  #journal: SimWrite[] = []
  #epoch = 0
  /** Whether the database was ever made. */
  exists = false

  constructor(random: Random) {
    this.#random = random
  }

  /** What readers see. Not to be changed. */
  get current(): OrderedMap<Uint8Array> {
    return this.#current
  }

  begin(operations: readonly Operation[], sync: boolean): SimWrite {
    if (below(this.#random, ROTATION_ONE_IN) === 0) this.#rotate()
    const write = { operations, sync, epoch: this.#epoch, written: false, synced: false }
    this.#journal.push(write)
    return write
  }

  /** The disk has taken `write`; writes are completed in the order they were begun. */
  complete(write: SimWrite): void {
    const position = this.#journal.indexOf(write)
    assert(position >= 0 && !write.written, 'the write is not under way')
    write.written = true
    apply(this.#current, write)
    if (write.sync) {
      for (const earlier of this.#journal.slice(0, position + 1))
        if (earlier.epoch === write.epoch) earlier.synced = true
    }
    this.#settle()
  }

  /** Leaves what survives, and nothing under way. */
  crash(kind: CrashKind): void {
    const survivors = kind === 'process' ? this.#survivorsOfProcess() : this.#survivorsOfPower()
    for (const write of survivors) apply(this.#durable, write)
    this.#current = this.#durable.clone()
    this.#journal = []
    this.#epoch++
  }

  #survivorsOfProcess(): SimWrite[] {
    const begun = this.#journal.filter((write) => !write.written)
    const kept = new Set(begun.slice(0, below(this.#random, begun.length + 1)))
    return this.#journal.filter((write) => write.written || kept.has(write))
  }

  #survivorsOfPower(): SimWrite[] {
    const survivors: SimWrite[] = []
    const epochs = new Set(this.#journal.map((write) => write.epoch))
    for (const epoch of epochs) {
      const writes = this.#journal.filter((write) => write.epoch === epoch)
      const synced = writes.filter((write) => write.synced).length
      survivors.push(...writes.slice(0, synced + below(this.#random, writes.length - synced + 1)))
    }
    return survivors
  }

  /** The epoch before the one that ends has been compacted by now. */
  #rotate(): void {
    for (const write of this.#journal) if (write.epoch < this.#epoch && write.written) write.synced = true
    this.#epoch++
    this.#settle()
  }

  /** Moves what is surely durable out of the journal; its order is kept, so that it stops at the first that is not. */
  #settle(): void {
    let count = 0
    for (; this.#journal[count]?.synced === true; count++) apply(this.#durable, this.#journal[count] as SimWrite)
    if (count > 0) this.#journal.splice(0, count)
  }
}

function apply(map: OrderedMap<Uint8Array>, { operations }: SimWrite): void {
  for (const [key, value] of operations) {
    if (value === undefined) map.delete(key)
    else map.set(key, value)
  }
}

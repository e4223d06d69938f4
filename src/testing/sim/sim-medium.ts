/**
 * What lies on a simulated disk: one database as LevelDB keeps it, and what a crash leaves of it.
 *
 *     pending     handed to the disk, not acknowledged
 *     files       LevelDB's log: acknowledged, in the page cache; up to `synced` it survives a power loss
 *     tables      what was in older files of the log: compacted, and durable
 *
 * Always, after the loss of the process: everything acknowledged, and of what was pending a prefix; each batch whole or not
 * at all.
 * Always, after the loss of power: of each file what was synced, and a prefix of the rest.
 *
 * A sync reaches its own file only, so that an older unsynced batch can vanish while a newer synced one stays, until the
 * older file has been compacted: two rotations later, here. Opening the database reads the files back into tables. What
 * decay does to it all is in sim-rot.ts.
 */
import { assert } from '../../base/assert.js'
import { FROM_KEY_ON } from '../../base/bytes.js'
import { OrderedMap } from '../../base/ordered-map.js'
import type { DiskFate } from './disk-fate.js'
import { levelError } from './level-error.js'
import type { SimCondition, SimDiskEventKind } from './sim-condition.js'

export type CrashKind = 'process' | 'power'

/** A key and its new value; undefined deletes it. */
export type Operation = readonly [key: string, value: Uint8Array | undefined]

/** A batch on its way to durability. */
export interface SimWrite {
  readonly operations: readonly Operation[]
  readonly sync: boolean
  /** Its place in the log cannot be read: the next open passes over it. */
  lost: boolean
  /** Its sync failed: the next open finds it, or not. */
  uncertain: boolean
}

/** One file of LevelDB's log. */
export interface LogFile {
  readonly writes: SimWrite[]
  /** So many of them survive a power loss. */
  synced: number
  /** Half a record lies in it: what was written behind that may be unreadable. */
  spoiled: boolean
}

/** Everything that a folder's copy holds. */
export interface MediumImage {
  readonly exists: boolean
  readonly unopenable: string | undefined
  readonly tables: OrderedMap<Uint8Array>
  readonly files: readonly LogFile[]
}

/** One write in so many begins a new file. */
const ROTATION_ONE_IN = 64

/** Stands where a record is that cannot be read. */
export const UNREADABLE: Uint8Array = new Uint8Array(0)

export class SimMedium {
  readonly fate: DiskFate
  readonly #condition: SimCondition
  #tables = new OrderedMap<Uint8Array>()
  /** Never empty; the last one is written to. */
  #files: LogFile[] = [emptyFile()]
  #current = new OrderedMap<Uint8Array>()
  /** Somebody reads on in `#current` as it is now: it is not to be changed any more. */
  #watched = false
  #pending: SimWrite[] = []
  /** Whether the database was ever made. */
  exists = false
  /** Why it cannot be opened, if it cannot. */
  unopenable: string | undefined

  constructor(fate: DiskFate, condition: SimCondition) {
    this.fate = fate
    this.#condition = condition
  }

  /** What readers see now. Not to be changed. */
  get current(): OrderedMap<Uint8Array> {
    return this.#current
  }

  get tables(): OrderedMap<Uint8Array> {
    return this.#tables
  }

  get files(): readonly LogFile[] {
    return this.#files
  }

  /** What readers see now, as it will stay. */
  snapshot(): OrderedMap<Uint8Array> {
    this.#watched = true
    return this.#current
  }

  /** Acknowledged writes that a power loss may take now. */
  get unsynced(): number {
    let count = 0
    for (const { writes, synced } of this.#files) count += writes.length - synced
    return count
  }

  begin(operations: readonly Operation[], sync: boolean): SimWrite {
    const write = { operations, sync, lost: false, uncertain: false }
    this.#pending.push(write)
    return write
  }

  /** Of the values in tables and files; what was overwritten or deleted lies there until it is compacted. */
  get sizeBytes(): number {
    let bytes = 0
    this.#tables.visit('', FROM_KEY_ON, (value) => {
      bytes += value.byteLength
      return true
    })
    for (const { writes } of this.#files) {
      for (const { operations } of writes) {
        for (const [, value] of operations) bytes += value?.byteLength ?? 0
      }
    }
    return bytes
  }

  /** Somebody has it compacted: all that is acknowledged becomes tables, which are durable. */
  compact(): void {
    if (!this.#condition.lying) this.#compact(this.#files.length)
    this.#files.push(emptyFile())
  }

  /** Something is about to be written: now and then into a new file. */
  startWriting(): void {
    if (this.fate.onceIn('rotation', ROTATION_ONE_IN)) this.#rotate()
  }

  /** The disk has taken the oldest `count` pending writes, with one sync or without. */
  complete(count: number, sync: boolean): void {
    const file = this.#lastFile
    for (const write of this.#takePending(count)) {
      if (file.spoiled && this.fate.onceIn('after-failed-write', 2)) write.lost = true
      file.writes.push(write)
      this.#apply(write)
    }
    if (!sync) return
    if (!this.#condition.lying) file.synced = file.writes.length
    else this.tell('sync-lied', `${count} synced writes are in a cache only`)
  }

  /** Their sync failed: nobody sees them now, and whether the next open does is open. */
  failSync(count: number): void {
    for (const write of this.#takePending(count)) {
      write.uncertain = true
      this.#lastFile.writes.push(write)
    }
    this.tell('sync-failed', `${count} writes are on the disk or not`)
  }

  /** Nothing of them can be read, and half a record is in the way of what comes. */
  failWrite(count: number): void {
    this.#takePending(count)
    this.#lastFile.spoiled = true
    this.tell('write-failed', `${count} writes were not taken`)
  }

  /** Nobody took them, and nobody will. */
  forget(count: number): void {
    this.#takePending(count)
  }

  /** Leaves what survives, and nothing under way. */
  crash(kind: CrashKind): void {
    const pending = this.#pending
    this.#pending = []
    if (kind === 'power') return this.#losePower(pending)
    const kept = pending.slice(0, this.fate.below('pending', pending.length + 1))
    this.#lastFile.writes.push(...kept)
    if (kept.length > 0) this.tell('kept-suffix', `${kept.length} of ${pending.length} writes under way`)
    if (kept.length < pending.length) this.tell('lost-suffix', `${pending.length - kept.length} writes under way`)
  }

  /** What an open does: reads the log back, passes over what it cannot read, and makes tables of the rest. */
  recover(): void {
    for (const file of this.#files) {
      const uncertain = file.writes.findIndex((write) => write.uncertain)
      // The pages that a failed sync left are clean to the system: it may have dropped them.
      if (uncertain >= 0 && this.fate.onceIn('after-failed-sync', 2)) file.writes.splice(uncertain)
      for (const write of file.writes) write.uncertain = false
    }
    this.#files = this.#files.map(({ writes, synced }) => ({
      writes: writes.filter((write) => !write.lost),
      synced: writes.slice(0, synced).filter((write) => !write.lost).length,
      spoiled: false,
    }))
    if (!this.#condition.lying) this.#compact(this.#files.length)
    this.#files.push(emptyFile())
    this.#current = this.#tables.clone()
    this.#watched = false
    for (const file of this.#files) for (const write of file.writes) this.#apply(write)
  }

  /** A copy of the folder, without what is pending; to be changed by nobody. */
  image(): MediumImage {
    return {
      exists: this.exists,
      unopenable: this.unopenable,
      tables: this.#tables.clone(),
      files: this.#files.map(({ writes, spoiled }) => ({
        writes: writes.map((write) => ({ ...write })),
        synced: writes.length,
        spoiled,
      })),
    }
  }

  /** Puts `image` in the place of everything. Nobody has the database open. */
  replace(image: MediumImage | undefined): void {
    assert(this.#pending.length === 0, 'a disk is replaced under its user')
    this.exists = image?.exists ?? false
    this.unopenable = image?.unopenable
    this.#tables = image?.tables.clone() ?? new OrderedMap<Uint8Array>()
    this.#files = image?.files.map((file) => ({ ...file, writes: file.writes.map((write) => ({ ...write })) })) ?? []
    this.#files.push(emptyFile())
    this.#current = new OrderedMap<Uint8Array>()
    this.#watched = false
  }

  /** A record of a table decays: it is `value` now, or gone. Whoever has overwritten it since does not notice. */
  decay(key: string, value: Uint8Array | undefined): void {
    const write = { operations: [[key, value] as const], sync: true, lost: false, uncertain: false }
    const visible = this.#current.get(key) === this.#tables.get(key)
    if (visible) this.#apply(write)
    applyTo(this.#tables, write)
  }

  tell(kind: SimDiskEventKind, detail: string): void {
    this.#condition.observe?.({ kind, part: this.fate.part, detail })
  }

  get #lastFile(): LogFile {
    return this.#files[this.#files.length - 1] as LogFile
  }

  #takePending(count: number): SimWrite[] {
    assert(count <= this.#pending.length, 'the writes are not under way')
    return this.#pending.splice(0, count)
  }

  #losePower(pending: readonly SimWrite[]): void {
    this.#lastFile.writes.push(...pending)
    let holes = 0
    for (const file of this.#files) {
      const { writes, synced } = file
      const loose = writes.length - synced
      const kept = loose === 0 ? 0 : this.fate.below('suffix', loose + 1)
      if (kept > 0) this.tell('kept-suffix', `${kept} of ${loose} writes that were not synced`)
      if (kept < loose) this.tell('lost-suffix', `${loose - kept} of ${loose} writes that were not synced`)
      if (kept < loose && this.fate.onceIn('torn', 2)) this.tell('torn-tail', 'half of the next one is there')
      if (holes > 0 && synced + kept > 0)
        this.tell('rotation-hole', `${holes} older writes are gone, ${synced + kept} newer ones are there`)
      holes += loose - kept
      writes.splice(synced + kept)
      for (const write of writes) write.uncertain = false
      file.synced = writes.length
    }
  }

  /** A new file of the log. The one before the last has become a table by now. */
  #rotate(): void {
    if (!this.#condition.lying) this.#compact(this.#files.length - 1)
    this.#files.push(emptyFile())
  }

  /** Makes tables of the oldest files, from memory: what has become unreadable on disk meanwhile does not matter. */
  #compact(count: number): void {
    for (const file of this.#files.splice(0, count)) {
      const last = new Map<string, Uint8Array | undefined>()
      for (const { operations, uncertain } of file.writes) {
        if (!uncertain) for (const [key, value] of operations) last.set(key, value)
      }
      applyTo(this.#tables, { operations: last })
    }
  }

  #apply(write: SimWrite): void {
    if (this.#watched) {
      this.#current = this.#current.clone()
      this.#watched = false
    }
    applyTo(this.#current, write)
  }
}

/** What a reader gets; throws where the record cannot be read. */
export function readable(value: Uint8Array | undefined): Uint8Array | undefined {
  if (value === UNREADABLE) throw levelError('LEVEL_CORRUPTION', 'Corruption: block checksum mismatch')
  return value
}

function emptyFile(): LogFile {
  return { writes: [], synced: 0, spoiled: false }
}

function applyTo(map: OrderedMap<Uint8Array>, write: { readonly operations: Iterable<Operation> }): void {
  for (const [key, value] of write.operations) {
    if (value === undefined) map.delete(key)
    else map.set(key, value)
  }
}

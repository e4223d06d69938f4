/**
 * A slot file on a simulated disk.
 *
 * Always: what was written survives the process. A power loss leaves, at each offset by itself, what was last synced or
 * anything written there since, or the beginning of one write over the rest of the one before (a torn write).
 * Always: after a failed sync the pages count as clean (ext4, XFS): readers see what was written, and no later sync makes it
 * durable.
 */
import { assert, present } from '../../base/assert.js'
import type { SlotFile } from '../../storage/disk.js'
import type { DiskFate } from './disk-fate.js'
import type { SimCondition, SimDiskEventKind } from './sim-condition.js'
import type { CrashKind } from './sim-medium.js'
import type { SimMount } from './sim-mount.js'
import type { Rot } from './sim-rot.js'

interface SlotWrite {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** Slots lie in pages of their own. */
const PAGE_BYTES = 4096
/** Of each page so many bytes are used, the first one apart. */
const SLOT_BYTES = 52

/** The file itself, which outlives processes. */
export class SimSlotContent {
  readonly fate: DiskFate
  readonly #condition: SimCondition
  #durable: Uint8Array | undefined
  #current: Uint8Array | undefined
  /** In the page cache only, oldest first. */
  #unsynced: SlotWrite[] = []
  /** Where a failed sync left in the page cache, as if it were durable, what is not. */
  readonly #doomed = new Set<number>()
  /** A file that is being made: it will be there whole, or not at all. */
  #creating: Uint8Array | undefined
  /** A disk that lies has made the file: all of it is in the page cache only. */
  #cached = false

  constructor(fate: DiskFate, condition: SimCondition) {
    this.fate = fate
    this.#condition = condition
  }

  read(): Uint8Array | undefined {
    return this.#current === undefined ? undefined : Uint8Array.from(this.#current)
  }

  beginCreate(content: Uint8Array): void {
    this.#creating = Uint8Array.from(content)
  }

  failCreate(): void {
    this.#creating = undefined
  }

  /** In the place of one that was there: what was written to that goes with it. */
  completeCreate(): void {
    const content = present(this.#creating, 'the file being made')
    this.#creating = undefined
    this.#current = Uint8Array.from(content)
    this.#unsynced = []
    this.#doomed.clear()
    this.#cached = this.#condition.lying
    if (this.#cached) this.tell('sync-lied', 'a new file is in a cache only')
    else this.#durable = content
  }

  write(bytes: Uint8Array, offset: number): void {
    assert(this.#current !== undefined, 'the file is not created')
    this.#current.set(bytes, offset)
    // One for each offset would do, but a power loss may leave any of them.
    this.#unsynced.push({ offset, bytes: Uint8Array.from(bytes) })
  }

  /** How much a sync that begins now will make durable. */
  get unsynced(): number {
    return this.#unsynced.length
  }

  /** Writes that a power loss may take now, that of the file itself included. */
  get atRisk(): number {
    return this.#unsynced.length + this.#doomed.size + (this.#cached ? 1 : 0)
  }

  completeSync(count: number): void {
    if (this.#condition.lying) {
      if (count > 0) this.tell('sync-lied', `${count} synced writes are in a cache only`)
      return
    }
    // A crash may have decided about them meanwhile, or a failed sync.
    const synced = this.#unsynced.splice(0, count)
    for (const { offset } of synced) this.#doomed.delete(offset)
    // Of a file that a lying disk made and that is not there yet, all of it.
    if (this.#cached) this.#durable = this.read()
    else for (const write of synced) this.#durable?.set(write.bytes, write.offset)
    this.#cached = false
  }

  /** Of what was to be synced each page was written, or never will be. */
  failSync(count: number): void {
    for (const write of this.#unsynced.splice(0, count)) {
      if (this.fate.onceIn('after-failed-sync', 2)) this.#durable?.set(write.bytes, write.offset)
      else this.#doomed.add(write.offset)
    }
    this.tell('sync-failed', `${count} writes are on the disk or not`)
  }

  crash(kind: CrashKind): void {
    if (this.#creating !== undefined && this.fate.onceIn('pending', 2)) this.completeCreate()
    this.#creating = undefined
    // What a dead process wrote the machine will still write, sooner or later: it stays unsynced.
    if (kind === 'process') return
    for (const offset of new Set(this.#unsynced.map((write) => write.offset))) this.#lose(offset)
    this.#unsynced = []
    this.#doomed.clear()
    this.#current = this.#durable === undefined ? undefined : Uint8Array.from(this.#durable)
    this.#cached = false
  }

  /** A torn slot, a page of zeros, one bit, or no file at all. */
  rot(rot: Rot): boolean {
    const content = this.#current
    if (content === undefined) return false
    if (rot === 'unopenable') {
      this.replace(undefined)
      this.tell('slot-missing', 'the file is gone')
      return true
    }
    const page = this.fate.below('rot-place', Math.ceil(content.byteLength / PAGE_BYTES)) * PAGE_BYTES
    if (rot === 'torn-tail') {
      const { at } = this.#newestWrite(content)
      content.fill(0xff, at + this.fate.below('torn-bytes', SLOT_BYTES), at + SLOT_BYTES)
      this.tell('slot-torn', `the slot at ${at}`)
    } else if (rot === 'hole') {
      content.fill(0, page, page + PAGE_BYTES)
      this.tell('hole', `${PAGE_BYTES} bytes at ${page} are zero`)
    } else {
      const bit = this.fate.below('rot-bit', 8 * SLOT_BYTES)
      content[page + (bit >> 3)] = (content[page + (bit >> 3)] as number) ^ (1 << (bit & 7))
      this.tell('bit-flip', `bit ${bit} of the page at ${page}`)
    }
    this.#durable = Uint8Array.from(content)
    this.#cached = false
    return true
  }

  /** The content, for a copy of the disk. */
  image(): Uint8Array | undefined {
    return this.read()
  }

  replace(image: Uint8Array | undefined): void {
    this.#durable = image === undefined ? undefined : Uint8Array.from(image)
    this.#current = image === undefined ? undefined : Uint8Array.from(image)
    this.#unsynced = []
    this.#doomed.clear()
    this.#cached = false
  }

  tell(kind: SimDiskEventKind, detail: string): void {
    this.#condition.observe?.({ kind, part: this.fate.part, detail })
  }

  /** Where the slot with the highest number in its first eight bytes is: behind the first page. */
  #newestWrite(content: Uint8Array): { at: number } {
    const view = new DataView(content.buffer, content.byteOffset, content.byteLength)
    let at = PAGE_BYTES
    for (let page = PAGE_BYTES; page < content.byteLength; page += PAGE_BYTES) {
      if (view.getBigUint64(page) > view.getBigUint64(at)) at = page
    }
    return { at }
  }

  #lose(offset: number): void {
    const writes = this.#unsynced.filter((write) => write.offset === offset)
    const kept = this.fate.below('suffix', writes.length + 1)
    const torn = this.fate.onceIn('torn', 4) ? writes[kept] : undefined
    const newest = writes[kept - 1]
    if (newest !== undefined) this.#durable?.set(newest.bytes, offset)
    if (kept < writes.length) this.tell('slot-lost', `${writes.length - kept} of ${writes.length} writes`)
    if (torn === undefined) return
    this.#durable?.set(torn.bytes.subarray(0, this.fate.below('torn-bytes', torn.bytes.length)), offset)
    this.tell('slot-torn', `the slot at ${offset}`)
  }
}

/** One process's handle on it. */
export class SimSlotFile implements SlotFile {
  readonly #content: SimSlotContent
  readonly #mount: SimMount

  constructor(content: SimSlotContent, mount: SimMount) {
    this.#content = content
    this.#mount = mount
  }

  read(): Promise<Uint8Array | undefined> {
    return this.#mount.later(this.#content.fate, 'read', () => this.#content.read())
  }

  async create(content: Uint8Array): Promise<void> {
    this.#mount.assertAlive()
    this.#content.beginCreate(content)
    await this.#mount.later(this.#content.fate, 'sync', () => {
      if (!this.#mount.condition.full) return this.#content.completeCreate()
      this.#content.failCreate()
      throw systemError('ENOSPC', 'no space left on device, write')
    })
  }

  /** In place: that takes no space. */
  writeSync(bytes: Uint8Array, offset: number): void {
    this.#mount.assertAlive()
    this.#content.write(bytes, offset)
  }

  async sync(): Promise<void> {
    const count = this.#content.unsynced
    await this.#mount.later(this.#content.fate, 'sync', () => {
      if (!this.#mount.condition.fails('sync')) return this.#content.completeSync(count)
      this.#content.failSync(count)
      throw systemError('EIO', 'i/o error, fdatasync')
    })
  }

  async close(): Promise<void> {
    await this.#mount.later(this.#content.fate, 'open')
  }
}

function systemError(code: string, text: string): Error {
  return Object.assign(new Error(`${code}: ${text}`), { code })
}

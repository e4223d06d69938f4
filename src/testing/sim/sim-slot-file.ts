/**
 * A slot file on a simulated disk.
 *
 * Always: what was written survives the process. A power loss leaves, at each offset by itself, what was last synced or
 * anything written there since, or the beginning of one write over the rest of the one before (a torn write).
 */
import { assert, present } from '../../base/assert.js'
import { below, type Random } from '../../base/random.js'
import type { SlotFile } from '../../storage/disk.js'
import type { CrashKind } from './sim-medium.js'
import type { SimMount } from './sim-mount.js'

interface SlotWrite {
  readonly offset: number
  readonly bytes: Uint8Array
}

/** The file itself, which outlives processes. */
export class SimSlotContent {
  readonly #random: Random
  #durable: Uint8Array | undefined
  #current: Uint8Array | undefined
  /** In the page cache only, oldest first. */
  #unsynced: SlotWrite[] = []
  /** A file that is being made: it will be there whole, or not at all. */
  #creating: Uint8Array | undefined

  constructor(random: Random) {
    this.#random = random
  }

  read(): Uint8Array | undefined {
    return this.#current === undefined ? undefined : Uint8Array.from(this.#current)
  }

  beginCreate(content: Uint8Array): void {
    this.#creating = Uint8Array.from(content)
  }

  completeCreate(): void {
    this.#durable = this.#creating
    this.#current = Uint8Array.from(present(this.#creating, 'the file being made'))
    this.#creating = undefined
  }

  write(bytes: Uint8Array, offset: number): void {
    assert(this.#current !== undefined, 'the file is not created')
    this.#current.set(bytes, offset)
    this.#unsynced.push({ offset, bytes: Uint8Array.from(bytes) })
  }

  /** How much a sync that begins now will make durable. */
  get unsynced(): number {
    return this.#unsynced.length
  }

  completeSync(count: number): void {
    for (const write of this.#unsynced.splice(0, count)) this.#durable?.set(write.bytes, write.offset)
  }

  crash(kind: CrashKind): void {
    if (this.#creating !== undefined && below(this.#random, 2) === 1) this.completeCreate()
    this.#creating = undefined
    // What a dead process wrote the machine will still write, sooner or later: it stays unsynced.
    if (kind === 'process') return
    for (const offset of new Set(this.#unsynced.map((write) => write.offset))) this.#lose(offset)
    this.#unsynced = []
    this.#current = this.#durable === undefined ? undefined : Uint8Array.from(this.#durable)
  }

  #lose(offset: number): void {
    const writes = this.#unsynced.filter((write) => write.offset === offset)
    const kept = below(this.#random, writes.length + 1)
    const torn = below(this.#random, 4) === 0 ? writes[kept] : undefined
    const newest = writes[kept - 1]
    if (newest !== undefined) this.#durable?.set(newest.bytes, offset)
    if (torn !== undefined) this.#durable?.set(torn.bytes.subarray(0, below(this.#random, torn.bytes.length)), offset)
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
    return this.#mount.later('read', () => this.#content.read())
  }

  async create(content: Uint8Array): Promise<void> {
    this.#mount.assertAlive()
    this.#content.beginCreate(content)
    await this.#mount.later('sync', () => this.#content.completeCreate())
  }

  writeSync(bytes: Uint8Array, offset: number): void {
    this.#mount.assertAlive()
    this.#content.write(bytes, offset)
  }

  async sync(): Promise<void> {
    const count = this.#content.unsynced
    await this.#mount.later('sync', () => this.#content.completeSync(count))
  }

  async close(): Promise<void> {
    await this.#mount.later('open')
  }
}

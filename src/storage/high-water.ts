/**
 * The high-water file: how far this member's promises reach, recorded outside LevelDB (docs/DATA-FORMAT.md).
 *
 * LevelDB opens cleanly, without a word, on a log whose last block a flipped bit made unreadable: acknowledged writes at
 * the end are simply gone (measured). The records before them fit together, so no checksum of ours can notice. This file
 * can: it is rewritten after each durable write of the log and before anything that rests on it is acknowledged, so that a
 * log behind it has lost something.
 *
 * It is not synced each time: that would double the cost of a write, to guard against a power loss and a damaged log at
 * once. After a power loss it may be old; an old mark is still true, it only proves less.
 *
 * Always: one slot is durable and never touched. Of three slots, writes go to one until a sync begins, then to the next,
 * which is neither that nor the one the last sync made durable. With two, written in turn, a power loss could tear both;
 * with two of which one stays untouched, the writes during a sync would have nowhere to go.
 */
import { assert } from '../base/assert.js'
import { putUint32, uint32At } from '../base/bytes.js'
import { crc32 } from '../base/checksum.js'
import { Reader, Writer } from '../base/codec.js'
import { StoreError, isStoreError } from '../base/errors.js'
import type { FormerCluster } from '../base/former-cluster.js'
import { damaged } from './damage.js'
import type { SlotFile } from './disk.js'
import type { DiskHealth } from './disk-health.js'
import { decodeFormerClusters, encodeFormerClusters } from './former-cluster.js'
import { FORMAT_VERSION, decodeIdentity, encodeIdentity, type Identity } from './identity.js'
import { type LogHead, decodeFlags, encodeFlags } from './log-head.js'

const MAGIC = Buffer.from('QUORATE\0', 'latin1')
/** Magic, format, checksum of both: the same in every format there will be. */
const PREAMBLE_BYTES = 16
const SLOTS = 3
/** Slots lie in pages of their own, so that no write of one can tear another. */
const PAGE_BYTES = 4096
/** The second half of the first page: what the directory belonged to before; since format 2. */
const FORMER_AT = PAGE_BYTES / 2
const SLOT_BYTES = 52
/** In format 1 the incarnation and the flags are missing. */
const SLOT_BYTES_OF_1 = 40

/** What the log held when it was last written. */
export interface HighWaterMark extends Pick<LogHead, 'generation' | 'incarnation' | 'promises' | 'slot'> {
  readonly term: number
  readonly vote: number
  readonly lastIndex: number
  readonly chain: number
}

/** Before the first write of the log. */
export const NO_MARK: HighWaterMark = {
  ...{ generation: 0, incarnation: 0, term: 0, vote: 0, lastIndex: 0, chain: 0 },
  ...{ promises: 'kept', slot: 'state' },
}

export interface Newest {
  readonly mark: HighWaterMark
  /** Which slot holds the mark. */
  readonly slot: number
}

export interface HighWaterContent extends Newest {
  readonly identity: Identity
  /** What the directory belonged to before. */
  readonly former: readonly FormerCluster[]
  /** Why that cannot be read, if it cannot: it is a record for people, for whose sake no member is kept from its data. */
  readonly formerDamage: string | undefined
  readonly format: number
}

export class HighWater {
  readonly #file: SlotFile
  readonly #health: DiskHealth
  readonly #bytes = new Uint8Array(SLOT_BYTES)
  #slot: number
  /** The sync under way; the next one waits for it, since it frees the slot that the next one needs. */
  #syncing: Promise<void> = Promise.resolve()

  private constructor(file: SlotFile, health: DiskHealth, slot: number) {
    this.#file = file
    this.#health = health
    this.#slot = slot
  }

  /**
   * Goes on with a file whose newest mark is `newest`. That mark is made durable first: a process that was killed may have
   * left it, and the ones beside it, in the page cache only, and the next slot may be the durable one. Written again, not
   * only synced: after a sync that failed the kernel may take the page for clean, and do nothing. The bytes are the same, so
   * that a write which is torn leaves what was there, or a slot that was not durable.
   */
  static async resume(file: SlotFile, health: DiskHealth, newest: Newest): Promise<HighWater> {
    const highWater = new HighWater(file, health, newest.slot)
    highWater.#write(newest.mark)
    await highWater.sync()
    return highWater
  }

  /** A new file, in the place of one that is there, with this mark in each slot. */
  static async create(
    file: SlotFile,
    health: DiskHealth,
    identity: Identity,
    mark: HighWaterMark = NO_MARK,
    former: readonly FormerCluster[] = [],
  ): Promise<HighWater> {
    await health.during('creating the high-water file', () => file.create(newHighWater(identity, mark, former)))
    return new HighWater(file, health, 0)
  }

  /** Records the log's new head; call it once that is durable, and before anything that rests on it leaves. */
  write(head: LogHead): void {
    this.#write(markOf(head))
  }

  /** What is known of a log that is damaged, durably, before anything of it is thrown away. */
  async writeLost(mark: HighWaterMark): Promise<void> {
    this.#write(mark)
    await this.sync()
  }

  #write(mark: HighWaterMark): void {
    this.#checkUsable()
    putSlot(this.#bytes, mark)
    try {
      this.#file.writeSync(this.#bytes, PAGE_BYTES * (1 + this.#slot))
    } catch (error) {
      throw this.#health.fail('writing the high-water file', error)
    }
  }

  /** Makes the last mark durable. */
  sync(): Promise<void> {
    this.#syncing = this.#syncing.then(() => this.#sync())
    // One that nobody awaits any more must not end the process; its failure is kept by the health.
    this.#syncing.catch(() => undefined)
    return this.#syncing
  }

  async #sync(): Promise<void> {
    this.#checkUsable()
    this.#slot = (this.#slot + 1) % SLOTS
    await this.#health.during('syncing the high-water file', () => this.#file.sync())
  }

  /** Only against failures: what was under way when the close began still ends well. */
  #checkUsable(): void {
    if (this.#health.failure !== undefined) throw this.#health.failure
  }
}

export function markOf(head: LogHead): HighWaterMark {
  const { generation, incarnation, hardState, last, promises, slot } = head
  const { term, vote } = hardState
  return { generation, incarnation, term, vote, lastIndex: last.index, chain: last.chain, promises, slot }
}

/** The content of a new file. */
export function newHighWater(
  identity: Identity,
  mark: HighWaterMark = NO_MARK,
  former: readonly FormerCluster[] = [],
): Uint8Array {
  const preamble = new Writer(PREAMBLE_BYTES).raw(MAGIC).uint32(FORMAT_VERSION)
  preamble.uint32(crc32(preamble.written()))
  const content = new Uint8Array(PAGE_BYTES * (1 + SLOTS))
  content.set(preamble.finish())
  const recorded = encodeIdentity(identity)
  assert(recorded.byteLength <= FORMER_AT - PREAMBLE_BYTES, 'the identity does not fit into its half of the page')
  content.set(recorded, PREAMBLE_BYTES)
  const before = encodeFormerClusters(former)
  assert(before.byteLength <= PAGE_BYTES - FORMER_AT, 'the former clusters do not fit into their half of the page')
  content.set(before, FORMER_AT)
  const slot = new Uint8Array(SLOT_BYTES)
  putSlot(slot, mark)
  for (let at = 1; at <= SLOTS; at++) content.set(slot, at * PAGE_BYTES)
  return content
}

/**
 * The newest mark that is whole. A slot that fails its checksum was being written when the power went; the others stand.
 * Throws `FORMAT_TOO_NEW`, and `DATA_DAMAGED` when the header or all slots are unreadable.
 */
export function readHighWater(content: Uint8Array, location: string): HighWaterContent {
  try {
    const format = readPreamble(content, location)
    const identity = readIdentity(content)
    const newest = readNewest(content, format)
    if (newest === undefined) throw new StoreError('MALFORMED', 'each of its slots fails its checksum')
    return { identity, format, ...readFormer(content, format), ...newest }
  } catch (error) {
    if (!isStoreError(error, 'MALFORMED')) throw error
    throw damaged(location, `the high-water file cannot be read: ${error.message}`, error)
  }
}

/** The newest mark of a file that cannot be read otherwise: each slot answers for itself. */
export function salvageMark(content: Uint8Array): HighWaterMark | undefined {
  return (readNewest(content, FORMAT_VERSION, tryReadSlot) ?? readNewest(content, 1, tryReadSlot))?.mark
}

function readNewest(content: Uint8Array, format: number, read = readSlot): Newest | undefined {
  let newest: Newest | undefined
  for (let slot = 0; slot < SLOTS; slot++) {
    const mark = read(content, slot, format)
    if (mark !== undefined && (newest === undefined || mark.generation > newest.mark.generation))
      newest = { mark, slot }
  }
  return newest
}

function readPreamble(content: Uint8Array, location: string): number {
  const reader = new Reader(content, 'its preamble')
  const magic = reader.raw(MAGIC.byteLength)
  const format = reader.uint32()
  const whole = reader.uint32() === crc32(content.subarray(0, PREAMBLE_BYTES - 4))
  if (!MAGIC.equals(magic) || !whole || format === 0) throw reader.malformed('magic number or checksum is wrong')
  if (format <= FORMAT_VERSION) return format
  throw new StoreError(
    'FORMAT_TOO_NEW',
    `${location} was written in format ${format} by a newer version; this version reads up to ${FORMAT_VERSION}. ` +
      'Run that version or a later one. Nothing was changed.',
  )
}

function readFormer(content: Uint8Array, format: number): Pick<HighWaterContent, 'former' | 'formerDamage'> {
  if (format === 1) return { former: [], formerDamage: undefined }
  try {
    return { former: decodeFormerClusters(content.subarray(FORMER_AT, PAGE_BYTES)), formerDamage: undefined }
  } catch (error) {
    if (!isStoreError(error, 'MALFORMED')) throw error
    return { former: [], formerDamage: error.message }
  }
}

function readIdentity(content: Uint8Array): Identity {
  return decodeIdentity(content.subarray(PREAMBLE_BYTES, FORMER_AT))
}

/** A slot with a right checksum that holds no numbers: nobody of ours wrote it. */
function tryReadSlot(content: Uint8Array, slot: number, format: number): HighWaterMark | undefined {
  try {
    return readSlot(content, slot, format)
  } catch (error) {
    if (!isStoreError(error, 'MALFORMED')) throw error
    return undefined
  }
}

function readSlot(content: Uint8Array, slot: number, format: number): HighWaterMark | undefined {
  const start = PAGE_BYTES * (1 + slot)
  const length = format === 1 ? SLOT_BYTES_OF_1 : SLOT_BYTES
  const bytes = content.subarray(start, start + length)
  if (bytes.byteLength < length || uint32At(bytes, length - 4) !== crc32(bytes.subarray(0, length - 4)))
    return undefined
  const reader = new Reader(bytes, 'a slot')
  const generation = reader.uint53()
  const term = reader.uint53()
  const vote = reader.uint53()
  const lastIndex = reader.uint53()
  const chain = reader.uint32()
  const incarnation = format === 1 ? 0 : reader.uint53()
  const flags = decodeFlags(format === 1 ? 0 : reader.uint32())
  return flags && { generation, incarnation, term, vote, lastIndex, chain, ...flags }
}

/** Into a buffer that is used again: this runs on every acknowledgement. */
function putSlot(slot: Uint8Array, mark: HighWaterMark): void {
  putUint53(slot, 0, mark.generation)
  putUint53(slot, 8, mark.term)
  putUint53(slot, 16, mark.vote)
  putUint53(slot, 24, mark.lastIndex)
  putUint32(slot, 32, mark.chain)
  putUint53(slot, 36, mark.incarnation)
  putUint32(slot, 44, encodeFlags(mark))
  putUint32(slot, SLOT_BYTES - 4, crc32(slot.subarray(0, SLOT_BYTES - 4)))
}

function putUint53(bytes: Uint8Array, at: number, value: number): void {
  putUint32(bytes, at, value / 0x1_0000_0000)
  putUint32(bytes, at + 4, value)
}

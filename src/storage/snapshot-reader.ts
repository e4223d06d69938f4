/**
 * Reads a snapshot and believes nothing: every checksum, every length before anything is allocated for it, the numbers of
 * the blocks, the order of the records, and at the end their count and the hash of the whole.
 *
 * Always: what is handed on was checked by its own block's checksum; that it is the whole is known when this resolves, not
 * before. Whoever acts on records must be able to drop what they did.
 */
import { createHash } from 'node:crypto'
import { crc32 } from '../base/checksum.js'
import { Reader } from '../base/codec.js'
import { isStoreError, StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Pair } from './merged-view.js'
import {
  BLOCK,
  CHECKSUM_BYTES,
  decodeEnd,
  decodeFrame,
  decodeHeader,
  encodeEnd,
  END_BYTES,
  FRAME_BYTES,
  HEADER_BYTES_MAX,
  PREAMBLE_BYTES,
  SEAL_SECTOR_BYTES,
  SEAL_SHA256_BYTES,
  SNAPSHOT_FORMAT,
  SNAPSHOT_MAGIC,
  type BlockFrame,
  type SnapshotHeader,
} from './snapshot-format.js'
import { SnapshotSource } from './snapshot-source.js'

/** Told what was read, in order; the next block is read once it is done with this one. */
export interface SnapshotVisitor {
  readonly header?: ((header: SnapshotHeader) => void) | undefined
  /** In the order of their keys. The records are views that nobody changes. */
  readonly records?: ((records: readonly Pair[]) => Promise<void>) | undefined
}

export interface SnapshotContent {
  readonly header: SnapshotHeader
  /** Records of the state: versions of keys, leases and whatever else is kept. */
  readonly records: number
  /** Of the whole file or stream. */
  readonly bytes: number
  /** SHA-256 of all before the last block, which holds it: 64 hex digits. */
  readonly hash: string
}

/**
 * Reads the whole of `source`, and closes it, however this ends. `location` names it in messages.
 * Rejects with `SNAPSHOT_DAMAGED`, `FORMAT_TOO_NEW`, and what the source or the visitor throws.
 */
export async function readSnapshot(
  source: AsyncIterable<Uint8Array>,
  location: string,
  visitor: SnapshotVisitor = {},
): Promise<SnapshotContent> {
  const reading = new Reading(new SnapshotSource(source), location, visitor)
  try {
    return await reading.read()
  } finally {
    await reading.close()
  }
}

/** Reads no more than what says of whom and what it is. Rejects as {@link readSnapshot}; what comes behind may be anything. */
export async function readSnapshotHeader(source: AsyncIterable<Uint8Array>, location: string): Promise<SnapshotHeader> {
  const reading = new Reading(new SnapshotSource(source), location, {})
  try {
    return await reading.readHeader()
  } finally {
    await reading.close()
  }
}

/** The error for a snapshot that is not what was written: where, and what is wrong there. */
export function snapshotDamaged(location: string, what: string, cause?: unknown): StoreError {
  return new StoreError(
    'SNAPSHOT_DAMAGED',
    `The snapshot ${location} cannot be used: ${what}. Nothing can be restored from it; take another one.`,
    cause === undefined ? {} : { cause },
  )
}

class Reading {
  readonly #source: SnapshotSource
  readonly #location: string
  readonly #visitor: SnapshotVisitor
  readonly #hash = createHash('sha256')
  /** Of the block that is being read: its number, and where it begins. */
  #number = 0
  #blockStart = 0
  #records = 0
  #lastKey = ''

  constructor(source: SnapshotSource, location: string, visitor: SnapshotVisitor) {
    this.#source = source
    this.#location = location
    this.#visitor = visitor
  }

  async read(): Promise<SnapshotContent> {
    const header = await this.readHeader()
    this.#visitor.header?.(header)
    for (;;) {
      this.#number++
      const frame = await this.#readFrame()
      if (frame.kind === BLOCK.end) return await this.#readEnd(header, frame)
      if (frame.kind !== BLOCK.records) throw this.#damaged(`it is of kind ${frame.kind}, where records belong`)
      const records = this.#decodeRecords(await this.#readContent(frame, LIMITS.snapshotBlockBytesMax))
      this.#records += records.length
      await this.#visitor.records?.(records)
    }
  }

  close(): Promise<void> {
    return this.#source.close()
  }

  async #readPreamble(): Promise<void> {
    const bytes = await this.#source.take(PREAMBLE_BYTES)
    if (!SNAPSHOT_MAGIC.equals(bytes.subarray(0, SNAPSHOT_MAGIC.byteLength))) {
      throw snapshotDamaged(this.#location, 'it does not begin as a snapshot of Quorate does')
    }
    if (bytes.byteLength < PREAMBLE_BYTES) throw snapshotDamaged(this.#location, 'it ends within its first bytes')
    const reader = new Reader(bytes, 'its preamble')
    reader.raw(SNAPSHOT_MAGIC.byteLength)
    const format = reader.uint32()
    if (reader.uint32() !== crc32(bytes.subarray(0, PREAMBLE_BYTES - CHECKSUM_BYTES))) {
      throw snapshotDamaged(this.#location, 'the checksum of its first bytes is wrong')
    }
    if (format > SNAPSHOT_FORMAT) {
      throw new StoreError(
        'FORMAT_TOO_NEW',
        `The snapshot ${this.#location} has format ${format}; this version reads up to ${SNAPSHOT_FORMAT}.`,
      )
    }
    this.#hash.update(bytes)
  }

  async readHeader(): Promise<SnapshotHeader> {
    await this.#readPreamble()
    const frame = await this.#readFrame()
    if (frame.kind !== BLOCK.header) throw this.#damaged(`it is of kind ${frame.kind}, where the header belongs`)
    const content = await this.#readContent(frame, HEADER_BYTES_MAX)
    return this.#decode(() => decodeHeader(content))
  }

  async #readFrame(): Promise<BlockFrame> {
    this.#blockStart = this.#source.offset
    const bytes = await this.#source.take(FRAME_BYTES)
    if (bytes.byteLength === 0) {
      const at = `at byte ${this.#blockStart}, before block ${this.#number}`
      throw snapshotDamaged(this.#location, `it ends ${at}: the rest is missing`)
    }
    if (bytes.byteLength < FRAME_BYTES) throw this.#cut()
    const frame = decodeFrame(bytes)
    if (frame === undefined) throw this.#damaged('the checksum of its frame is wrong')
    if (frame.number !== this.#number) {
      throw this.#damaged(`it has number ${frame.number}, so that blocks are missing, repeated or out of order`)
    }
    if (frame.kind !== BLOCK.end) this.#hash.update(bytes)
    return frame
  }

  async #readContent(frame: BlockFrame, bytesMax: number): Promise<Uint8Array> {
    const { length } = frame
    if (length > bytesMax) throw this.#damaged(`it announces ${length} bytes, at most ${bytesMax} are allowed`)
    const content = await this.#source.take(length)
    const checksum = await this.#source.take(CHECKSUM_BYTES)
    if (checksum.byteLength < CHECKSUM_BYTES) throw this.#cut()
    if (new Reader(checksum, 'a checksum').uint32() !== crc32(content)) throw this.#damaged('its checksum is wrong')
    if (frame.kind !== BLOCK.end) this.#hash.update(content).update(checksum)
    return content
  }

  #decodeRecords(content: Uint8Array): readonly Pair[] {
    const records: Pair[] = []
    this.#decode(() => {
      const reader = new Reader(content, 'a block of records')
      while (reader.remaining > 0) records.push([reader.latin1(), reader.bytes()])
    })
    if (records.length === 0) throw this.#damaged('it is empty')
    for (const [key] of records) {
      if (key <= this.#lastKey) throw this.#damaged('its records are out of order')
      this.#lastKey = key
    }
    return records
  }

  async #readEnd(header: SnapshotHeader, frame: BlockFrame): Promise<SnapshotContent> {
    const before = this.#blockStart
    const content = await this.#readContent(frame, END_BYTES)
    const end = this.#decode(() => decodeEnd(content))
    if (end.bytes !== before) throw this.#damaged(`it counts ${end.bytes} bytes before it, there are ${before}`)
    if (end.records !== this.#records) {
      throw this.#damaged(`it counts ${end.records} records, there are ${this.#records}`)
    }
    const sha256 = this.#hash.copy().digest()
    if (!sha256.equals(end.sha256)) throw this.#damaged('the hash of the whole is another one')
    this.#hash.update(encodeEnd(frame.number, end))
    await this.#readSeal()
    return { header, records: this.#records, bytes: this.#source.offset, hash: sha256.toString('hex') }
  }

  /** Behind the end there is nothing, or what a client of etcd's API puts there: see snapshot-format.ts. */
  async #readSeal(): Promise<void> {
    const { offset: end } = this.#source
    const paddingBytes = (SEAL_SECTOR_BYTES - (end % SEAL_SECTOR_BYTES)) % SEAL_SECTOR_BYTES
    // One more than there can be.
    const seal = await this.#source.take(paddingBytes + SEAL_SHA256_BYTES + 1)
    if (seal.byteLength === 0) return
    const padding = seal.subarray(0, paddingBytes)
    const sha256 = seal.subarray(paddingBytes)
    const known = sha256.byteLength === 0 || sha256.byteLength === SEAL_SHA256_BYTES
    if (padding.byteLength < paddingBytes || padding.some((byte) => byte !== 0) || !known) {
      throw snapshotDamaged(this.#location, `there are bytes behind its end at byte ${end}`)
    }
    if (sha256.byteLength > 0 && !this.#hash.update(padding).digest().equals(sha256)) {
      throw snapshotDamaged(
        this.#location,
        `the SHA-256 behind it, at byte ${end + paddingBytes}, is that of other bytes`,
      )
    }
  }

  #decode<T>(decode: () => T): T {
    try {
      return decode()
    } catch (error) {
      if (!isStoreError(error, 'MALFORMED')) throw error
      throw this.#damaged(error.message)
    }
  }

  #cut(): StoreError {
    return this.#damaged(`it is cut short at byte ${this.#source.offset}`)
  }

  #damaged(what: string): StoreError {
    return snapshotDamaged(this.#location, `block ${this.#number} at byte ${this.#blockStart}: ${what}`)
  }
}

/**
 * Makes the blocks of a snapshot out of records as they come, one block at a time (snapshot-format.ts).
 *
 *     yield encoder.begin()
 *     for (const [key, record] of ...) { encoder.add(key, record); if (encoder.full) yield encoder.block() }
 *     yield encoder.end()
 *
 * Always: holds one block, whatever the size of the whole.
 */
import { createHash } from 'node:crypto'
import { assert } from '../base/assert.js'
import { Writer } from '../base/codec.js'
import { LIMITS } from '../base/limits.js'
import {
  beginBlock,
  BLOCK,
  encodeEnd,
  encodeHeader,
  encodePreamble,
  finishBlock,
  FRAME_BYTES,
  type SnapshotHeader,
} from './snapshot-format.js'

export class SnapshotEncoder {
  readonly #header: SnapshotHeader
  readonly #blockBytes: number
  readonly #hash = createHash('sha256')
  #writer: Writer | undefined
  #number = 0
  #records = 0
  #bytes = 0
  #lastKey: string | undefined

  /** A block is given away when it holds `blockBytes`, or a single record that is larger. */
  constructor(header: SnapshotHeader, blockBytes: number = LIMITS.snapshotBlockBytes) {
    this.#header = header
    this.#blockBytes = blockBytes
  }

  /** What comes first. */
  begin(): Uint8Array {
    assert(this.#bytes === 0, 'a snapshot begins twice')
    this.#number++
    return this.#counted(Buffer.concat([encodePreamble(), encodeHeader(this.#header)]))
  }

  /** Takes a record; they come in the order of their keys, and are copied. */
  add(key: string, record: Uint8Array): void {
    assert(this.#bytes > 0, 'a record comes before the beginning')
    assert(this.#lastKey === undefined || key > this.#lastKey, 'the records of a snapshot are out of order')
    this.#lastKey = key
    const writer = this.#writer ?? this.#newBlock()
    writer.latin1(key).bytes(record)
    this.#records++
  }

  /** Whether the block is to be taken before more is added. */
  get full(): boolean {
    return this.#writer !== undefined && this.#writer.length >= this.#blockBytes
  }

  /** The block of the records added since the last one; there must be some. */
  block(): Uint8Array {
    const writer = this.#writer
    assert(writer !== undefined, 'an empty block is taken')
    this.#writer = undefined
    this.#number++
    const length = writer.length - FRAME_BYTES
    assert(length <= LIMITS.snapshotBlockBytesMax, () => `a block of ${length} bytes, which nobody would read`)
    return this.#counted(finishBlock(writer))
  }

  /** What comes last: a block of what is left, and the end. */
  end(): Uint8Array {
    const rest = this.#writer === undefined ? new Uint8Array(0) : this.block()
    const sha256 = this.#hash.digest()
    return Buffer.concat([rest, encodeEnd(this.#number, { records: this.#records, bytes: this.#bytes, sha256 })])
  }

  #newBlock(): Writer {
    const writer = new Writer(this.#blockBytes + FRAME_BYTES)
    beginBlock(writer, BLOCK.records, this.#number)
    this.#writer = writer
    return writer
  }

  #counted(bytes: Uint8Array): Uint8Array {
    this.#hash.update(bytes)
    this.#bytes += bytes.byteLength
    return bytes
  }
}

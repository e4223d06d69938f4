/**
 * The form of a snapshot of the state, as a file or a stream (docs/DATA-FORMAT.md):
 *
 *     preamble      magic, format, checksum: the same in every format there will be
 *     block 0       the header: of whom, when, at which position
 *     block 1 ...   records of the state, in the order of their keys
 *     last block    the end: how many records and bytes, and the SHA-256 of all before it
 *
 * A block is its frame (kind, number, length, checksum of these), its content and the checksum of that. So a length is
 * known to be right before anything is allocated for it; a block that is missing, repeated or in the wrong place is seen by
 * its number; and a snapshot that was cut has no end.
 *
 * A client of etcd's API that saves a snapshot puts two more things behind the end, a seal that readers check and need not have:
 *
 *     padding       zeros, to a multiple of 512 bytes
 *     SHA-256       of all before it
 *
 * Pure data: snapshot-encoder.ts makes it, snapshot-reader.ts believes none of it.
 */
import { crc32, type Digest } from '../base/checksum.js'
import { Reader, Writer } from '../base/codec.js'
import type { LogPosition } from '../raft/types.js'

export const SNAPSHOT_MAGIC = Buffer.from('QUOSNAP\0', 'latin1')
/** Grows when a released version could misread what a later one writes. */
export const SNAPSHOT_FORMAT = 1
/** Magic, format, checksum of both. */
export const PREAMBLE_BYTES = 16
/** Kind, number, length, checksum of these. */
export const FRAME_BYTES = 13
/** Behind the content of a block. */
export const CHECKSUM_BYTES = 4
/** Two counts and a SHA-256. */
export const END_BYTES = 8 + 8 + 32
export const SEAL_SECTOR_BYTES = 512
export const SEAL_SHA256_BYTES = 32
/** Ten numbers and a name, which identity.ts bounds. */
export const HEADER_BYTES_MAX = 4096

export const BLOCK = { header: 1, records: 2, end: 3 } as const
export type BlockKind = (typeof BLOCK)[keyof typeof BLOCK]

/** What a snapshot says of itself in its first block. */
export interface SnapshotHeader {
  readonly clusterId: number
  /** Whose state it is. */
  readonly memberId: number
  readonly name: string
  /** When it was taken, by the wall clock of that member: milliseconds since 1970. For people. */
  readonly createdAtMs: number
  /** The last entry whose effects are in it; all of them are, and those of no later one. */
  readonly position: LogPosition
  readonly revision: number
  readonly compactRevision: number
  /** What the state comes to once it is loaded. */
  readonly digest: Digest
}

export interface BlockFrame {
  readonly kind: number
  readonly number: number
  readonly length: number
}

export interface SnapshotEnd {
  readonly records: number
  /** Bytes before the last block. */
  readonly bytes: number
  readonly sha256: Uint8Array
}

export function encodePreamble(): Uint8Array {
  const writer = new Writer(PREAMBLE_BYTES).raw(SNAPSHOT_MAGIC).uint32(SNAPSHOT_FORMAT)
  return writer.uint32(crc32(writer.written())).finish()
}

/** Begins a block in `writer`; {@link finishBlock} fills in the length and the checksums. */
export function beginBlock(writer: Writer, kind: BlockKind, number: number): void {
  writer.uint8(kind).uint32(number).uint32(0).uint32(0)
}

/** Ends the one block that `writer` holds. */
export function finishBlock(writer: Writer): Uint8Array {
  writer.patchUint32(5, writer.length - FRAME_BYTES)
  writer.patchUint32(9, crc32(writer.written().subarray(0, FRAME_BYTES - CHECKSUM_BYTES)))
  return writer.uint32(crc32(writer.written(FRAME_BYTES))).finish()
}

/** Undefined where its checksum is wrong. `bytes` are those of a frame. */
export function decodeFrame(bytes: Uint8Array): BlockFrame | undefined {
  const reader = new Reader(bytes, 'the frame of a block')
  const frame = { kind: reader.uint8(), number: reader.uint32(), length: reader.uint32() }
  return reader.uint32() === crc32(bytes.subarray(0, FRAME_BYTES - CHECKSUM_BYTES)) ? frame : undefined
}

export function encodeHeader(header: SnapshotHeader): Uint8Array {
  const writer = new Writer()
  beginBlock(writer, BLOCK.header, 0)
  writer.uint53(header.clusterId).uint53(header.memberId).text(header.name).uint53(header.createdAtMs)
  writer.uint53(header.position.index).uint53(header.position.term)
  writer.uint53(header.revision).uint53(header.compactRevision)
  return finishBlock(writer.uint32(header.digest.high).uint32(header.digest.low))
}

/** Throws `MALFORMED`. */
export function decodeHeader(content: Uint8Array): SnapshotHeader {
  const reader = new Reader(content, 'the header')
  const header = {
    clusterId: reader.uint53(),
    memberId: reader.uint53(),
    name: reader.text(),
    createdAtMs: reader.uint53(),
    position: { index: reader.uint53(), term: reader.uint53() },
    revision: reader.uint53(),
    compactRevision: reader.uint53(),
    digest: { high: reader.uint32(), low: reader.uint32() },
  }
  reader.end()
  return header
}

export function encodeEnd(number: number, end: SnapshotEnd): Uint8Array {
  const writer = new Writer(FRAME_BYTES + END_BYTES + CHECKSUM_BYTES)
  beginBlock(writer, BLOCK.end, number)
  return finishBlock(writer.uint53(end.records).uint53(end.bytes).raw(end.sha256))
}

/** Throws `MALFORMED`. */
export function decodeEnd(content: Uint8Array): SnapshotEnd {
  const reader = new Reader(content, 'the last block')
  const end = { records: reader.uint53(), bytes: reader.uint53(), sha256: reader.raw(32) }
  reader.end()
  return end
}

/**
 * Log entries as bytes: one record for each batch that was appended (docs/DATA-FORMAT.md).
 *
 * Always: the chain after entry i is crc32(bytes of entry i, chain after entry i - 1), starting from 0. It is a function of
 * every byte of every entry since index 1, so that two records fit together only if they were written one after the
 * other. A record's checksum alone cannot tell that its neighbour is gone, or that it stems from a history that was
 * replaced.
 * Always: the header's checksum covers both ends of the chain, and these cover the entries: each byte is summed once.
 */
import { assert } from '../base/assert.js'
import { crc32 } from '../base/checksum.js'
import { Reader, Writer } from '../base/codec.js'
import type { Entry, EntryKind, Index, Term } from '../raft/types.js'

const VERSION = 1
const CHAIN_AFTER_AT = 17
const HEADER_BYTES = 25
const ENTRY_HEADER_BYTES = 13
const KINDS: readonly EntryKind[] = ['normal', 'noop', 'configuration']

/** Records beyond this many bytes are split, so that trimming and truncation stay fine-grained. One entry always fits. */
const RECORD_BYTES_MAX = 1024 * 1024

/** What the log keeps in memory of a record on disk. */
export interface RecordSpan {
  readonly firstIndex: Index
  readonly lastIndex: Index
  readonly lastTerm: Term
  readonly chainBefore: number
  readonly chainAfter: number
}

/** Of one record: its span and its entries, whose data are views into the record. */
export interface DecodedRecord extends RecordSpan {
  readonly entries: readonly Entry[]
}

/** 'e' and the first index, big endian: the order of keys is the order of entries. */
export function entryRecordKey(firstIndex: Index): string {
  const bytes = Buffer.allocUnsafe(9)
  bytes[0] = 0x65
  bytes.writeUInt32BE(Math.floor(firstIndex / 0x1_0000_0000), 1)
  bytes.writeUInt32BE(firstIndex >>> 0, 5)
  return bytes.toString('latin1')
}

/** How many entries from `start` on go into one record: as many as fit, at least one. */
export function recordLength(entries: readonly Entry[], start: number): number {
  let bytes = HEADER_BYTES
  let at = start
  for (; at < entries.length; at++) {
    bytes += ENTRY_HEADER_BYTES + (entries[at] as Entry).data.byteLength
    if (bytes > RECORD_BYTES_MAX && at > start) break
  }
  return at - start
}

/** One record of `entries`, which must be consecutive and not empty. */
export function encodeEntryRecord(
  entries: readonly Entry[],
  chainBefore: number,
): { bytes: Uint8Array; span: RecordSpan } {
  const first = entries[0]
  const last = entries[entries.length - 1]
  assert(first !== undefined && last !== undefined, 'a record of no entries')
  let size = HEADER_BYTES
  for (const entry of entries) size += ENTRY_HEADER_BYTES + entry.data.byteLength
  const writer = new Writer(size).uint8(VERSION).uint53(first.index).uint32(entries.length)
  writer.uint32(chainBefore).uint32(0).uint32(0)
  let index = first.index
  for (const entry of entries) {
    assert(entry.index === index, () => `entry ${entry.index} stands where ${index} belongs`)
    writer.uint53(entry.term).uint8(KINDS.indexOf(entry.kind)).bytes(entry.data)
    index++
  }
  const chainAfter = crc32(writer.written(HEADER_BYTES), chainBefore)
  writer.patchUint32(CHAIN_AFTER_AT, chainAfter)
  const bytes = writer.finish()
  writer.patchUint32(HEADER_BYTES - 4, crc32(bytes.subarray(0, HEADER_BYTES - 4)))
  const span = { firstIndex: first.index, lastIndex: last.index, lastTerm: last.term, chainBefore, chainAfter }
  return { bytes, span }
}

/** Rejects with `MALFORMED` whatever is not, bit for bit, a record that was written. */
export function decodeEntryRecord(bytes: Uint8Array): DecodedRecord {
  const reader = new Reader(bytes, 'the record')
  const version = reader.uint8()
  const firstIndex = reader.uint53()
  const count = reader.uint32()
  const chainBefore = reader.uint32()
  const chainAfter = reader.uint32()
  const expected = crc32(bytes.subarray(0, HEADER_BYTES - 4))
  const found = reader.uint32()
  if (found !== expected) throw reader.malformed(`its header has checksum ${hex(expected)}, recorded is ${hex(found)}`)
  if (version !== VERSION) throw reader.malformed(`record version ${version} is unknown`)
  const chain = crc32(bytes.subarray(HEADER_BYTES), chainBefore)
  if (chain !== chainAfter)
    throw reader.malformed(`its entries have checksum ${hex(chain)}, recorded is ${hex(chainAfter)}`)
  const entries: Entry[] = []
  for (let at = 0; at < count; at++) {
    const term = reader.uint53()
    const kind = KINDS[reader.uint8()]
    if (kind === undefined) throw reader.malformed(`entry ${firstIndex + at} is of an unknown kind`)
    entries.push({ index: firstIndex + at, term, kind, data: reader.bytes() })
  }
  reader.end()
  const last = entries[entries.length - 1]
  if (last === undefined) throw reader.malformed('it holds no entries')
  return { firstIndex, lastIndex: last.index, lastTerm: last.term, chainBefore, chainAfter, entries }
}

function hex(checksum: number): string {
  return checksum.toString(16).padStart(8, '0')
}

/**
 * The record of one revision: one change of one key, as it stands in the state database.
 *
 *     state key   'r' | main, 8 bytes | sub, 4 bytes      big endian, so that the order of keys is the order of revisions
 *     put         1 | main | sub | createRevision | version | lease | key | value
 *     tombstone   2 | main | sub | key
 *
 * No checksum: that the bytes come back as they were set is the backend's promise (backend.ts). The revision stands in
 * the record once more, so that a record found under the wrong key is seen. The hash of a record is what the digests of
 * the store count: it must come out the same on every member, so a new kind of record needs a new digest version, not
 * just a new decoder.
 */
import type { Key } from '../base/bytes.js'
import { hash64, type Digest } from '../base/checksum.js'
import { decodeStored, Writer, type Reader } from '../base/codec.js'
import { NO_LEASE } from '../base/lease-id.js'
import type { KeyValue, Revision, RevisionId } from './types.js'

export const RECORD_PREFIX = 'r'

/** Prefix, main, sub. */
export const RECORD_KEY_BYTES = 1 + 8 + 4

const PUT = 1
const TOMBSTONE = 2
/** Kind, main, sub, length of the key. */
const TOMBSTONE_OVERHEAD_BYTES = 1 + 8 + 4 + 4
/** Besides these createRevision, version, lease. */
const PUT_OVERHEAD_BYTES = TOMBSTONE_OVERHEAD_BYTES + 8 + 8 + 8

/** A change as read back. For a tombstone `keyValue` holds the key and `modRevision` only, as an event shows it. */
export interface Record {
  readonly type: 'put' | 'delete'
  readonly id: RevisionId
  readonly keyValue: KeyValue
}

/** Where the record of this revision stands in the state database. */
export function recordKey(id: RevisionId): string {
  return recordKeyOf(id.main, id.sub)
}

/** The same from two numbers, for the path of every write. */
export function recordKeyOf(main: Revision, sub: number): string {
  const high = Math.floor(main / TWO_32)
  const low = main >>> 0
  return String.fromCharCode(
    RECORD_PREFIX_CODE,
    high >>> 24,
    (high >>> 16) & 0xff,
    (high >>> 8) & 0xff,
    high & 0xff,
    low >>> 24,
    (low >>> 16) & 0xff,
    (low >>> 8) & 0xff,
    low & 0xff,
    sub >>> 24,
    (sub >>> 16) & 0xff,
    (sub >>> 8) & 0xff,
    sub & 0xff,
  )
}

export function isRecordKey(stateKey: string): boolean {
  return stateKey.charCodeAt(0) === RECORD_PREFIX_CODE
}

export function encodePut(keyValue: KeyValue, sub: number): Uint8Array {
  const { key, value } = keyValue
  const writer = new Writer(PUT_OVERHEAD_BYTES + key.length + value.byteLength)
  writer.uint8(PUT).uint53(keyValue.modRevision).uint32(sub)
  writer.uint53(keyValue.createRevision).uint53(keyValue.version).int64(keyValue.lease)
  return writer.latin1(key).raw(value).finish()
}

export function encodeTombstone(key: Key, id: RevisionId): Uint8Array {
  const writer = new Writer(TOMBSTONE_OVERHEAD_BYTES + key.length)
  return writer.uint8(TOMBSTONE).uint53(id.main).uint32(id.sub).latin1(key).finish()
}

/** The value is a view into `bytes`. Throws `DATA_DAMAGED`. */
export function decodeRecord(bytes: Uint8Array): Record {
  return decodeStored(bytes, 'the record of a revision', decode)
}

/** The tombstone of a key as an event shows it. */
export function tombstone(key: Key, modRevision: Revision): KeyValue {
  return { key, value: NO_VALUE, createRevision: 0, modRevision, version: 0, lease: NO_LEASE }
}

/** Of the key and the value of a put, told by the bytes of its record. */
export function contentBytes(recordBytes: number): number {
  return recordBytes - PUT_OVERHEAD_BYTES
}

/** What the digests count for this record. */
export function hashRecord(bytes: Uint8Array): Digest {
  return hash64(bytes)
}

const TWO_32 = 0x1_0000_0000
const RECORD_PREFIX_CODE = RECORD_PREFIX.charCodeAt(0)
const NO_VALUE = new Uint8Array(0)

function decode(reader: Reader): Record {
  const kind = reader.uint8()
  const id: RevisionId = { main: reader.uint53(), sub: reader.uint32() }
  switch (kind) {
    case PUT: {
      const createRevision = reader.uint53()
      const version = reader.uint53()
      const lease = reader.int64()
      const key = reader.latin1()
      const value = reader.raw(reader.remaining)
      return { type: 'put', id, keyValue: { key, value, createRevision, modRevision: id.main, version, lease } }
    }
    case TOMBSTONE: {
      const key = reader.latin1()
      return { type: 'delete', id, keyValue: tombstone(key, id.main) }
    }
    default:
      throw reader.malformed(`kind ${kind}`)
  }
}

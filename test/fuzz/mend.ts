/** Checksums put right after bytes were damaged: otherwise nearly every damage would be seen by its checksum, and nothing behind it. */
import { createHash } from 'node:crypto'
import { crc32 } from '../../src/base/checksum.js'

function put(bytes: Uint8Array, at: number, value: number): void {
  new DataView(bytes.buffer, bytes.byteOffset).setUint32(at, value)
}

function lengthAt(bytes: Uint8Array, at: number): number {
  return new DataView(bytes.buffer, bytes.byteOffset).getUint32(at)
}

/** The last four bytes, of all before them. */
export function mendEnd(bytes: Uint8Array, from = 0): void {
  if (bytes.byteLength >= from + 4) put(bytes, bytes.byteLength - 4, crc32(bytes.subarray(from, -4)))
}

/** Of frames that follow each other from `from` on, as far as their lengths lead. */
export function mendFrames(bytes: Uint8Array, from = 0): void {
  for (let at = from; at + 8 <= bytes.byteLength;) {
    const length = lengthAt(bytes, at)
    const end = at + 8 + length
    if (end > bytes.byteLength) return
    put(bytes, at + 4, crc32(bytes.subarray(at + 8, end), ~length >>> 0))
    at = end
  }
}

const HELLO_FIXED_BYTES = 34
const ANSWER_FIXED_BYTES = 27

/** Where a hello or an answer ends that stands at the beginning; 0 where it does not. */
export function handshakeEnd(bytes: Uint8Array, type: 'hello' | 'answer'): number {
  const fixed = type === 'hello' ? HELLO_FIXED_BYTES : ANSWER_FIXED_BYTES
  if (bytes.byteLength < fixed + 4) return 0
  const end = fixed + new DataView(bytes.buffer, bytes.byteOffset).getUint16(fixed - 2) + 4
  return end > bytes.byteLength ? 0 : end
}

/** Returns where it ends. */
export function mendHandshake(bytes: Uint8Array, type: 'hello' | 'answer'): number {
  const end = handshakeEnd(bytes, type)
  if (end > 0) put(bytes, end - 4, crc32(bytes.subarray(0, end - 4)))
  return end
}

/** A hello and the frames behind it. */
export function mendDialler(bytes: Uint8Array): void {
  const end = mendHandshake(bytes, 'hello')
  if (end > 0) mendFrames(bytes, end)
}

export function mendAnswer(bytes: Uint8Array): void {
  mendHandshake(bytes, 'answer')
}

/** The chain over the entries, then the header that holds it. */
export function mendEntryRecord(bytes: Uint8Array): void {
  if (bytes.byteLength < 25) return
  put(bytes, 17, crc32(bytes.subarray(25), lengthAt(bytes, 13)))
  put(bytes, 21, crc32(bytes.subarray(0, 21)))
}

const PAGE_BYTES = 4096

/** Preamble, identity as far as its length can be told, slots. */
export function mendHighWater(bytes: Uint8Array): void {
  if (bytes.byteLength >= 16) put(bytes, 12, crc32(bytes.subarray(0, 12)))
  if (bytes.byteLength >= 40) {
    const end = 16 + 20 + 4 + lengthAt(bytes, 36)
    if (end + 4 <= bytes.byteLength) put(bytes, end, crc32(bytes.subarray(16, end)))
  }
  for (let at = PAGE_BYTES; at + 52 <= bytes.byteLength; at += PAGE_BYTES) {
    put(bytes, at + 48, crc32(bytes.subarray(at, at + 48)))
  }
}

/** Preamble, frames and contents of blocks, and the hash of the whole in the last one. */
export function mendSnapshot(bytes: Uint8Array): void {
  if (bytes.byteLength < 16) return
  put(bytes, 12, crc32(bytes.subarray(0, 12)))
  for (let at = 16, number = 0; at + 13 <= bytes.byteLength; number++) {
    const length = lengthAt(bytes, at + 5)
    const end = at + 13 + length
    put(bytes, at + 1, number)
    if (bytes[at] === 3 && length === 48 && end <= bytes.byteLength) {
      const [high, low] = [Math.floor(at / 2 ** 32), at >>> 0]
      put(bytes, at + 13 + 8, high)
      put(bytes, at + 13 + 12, low)
      bytes.set(createHash('sha256').update(bytes.subarray(0, at)).digest(), at + 13 + 16)
    }
    put(bytes, at + 9, crc32(bytes.subarray(at, at + 9)))
    if (end + 4 > bytes.byteLength) return
    put(bytes, end, crc32(bytes.subarray(at + 13, end)))
    at = end + 4
  }
}

/** The record of former clusters: what stands behind its length, then the checksum. */
export function mendFormer(bytes: Uint8Array): void {
  if (bytes.byteLength < 8) return
  const end = 4 + lengthAt(bytes, 0)
  if (end + 4 <= bytes.byteLength) put(bytes, end, crc32(bytes.subarray(4, end)))
}

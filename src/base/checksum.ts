/**
 * Checksums and digests.
 *
 * `crc32` guards records and frames against accidents. `Digest` is a sum of well-mixed 64-bit hashes, kept as two
 * 32-bit lanes: adding and removing a record costs the same, in any order, so that two members compare their whole
 * state by comparing two numbers. Neither protects against somebody who chooses the bytes.
 *
 * The one place in the pure rings that may use `node:zlib`: a checksum is a function of its input.
 */
import { crc32 as zlibCrc32 } from 'node:zlib'
import { uint32At } from './bytes.js'

/** CRC-32 of `bytes`, continuing from `previous`: the checksum of the concatenation. */
export function crc32(bytes: Uint8Array, previous = 0): number {
  return zlibCrc32(bytes, previous)
}

/** A 64-bit hash or digest in two unsigned 32-bit lanes. */
export interface Digest {
  readonly high: number
  readonly low: number
}

export const EMPTY_DIGEST: Digest = { high: 0, low: 0 }

export function addDigest(sum: Digest, hash: Digest): Digest {
  return { high: (sum.high + hash.high) >>> 0, low: (sum.low + hash.low) >>> 0 }
}

export function removeDigest(sum: Digest, hash: Digest): Digest {
  return { high: (sum.high - hash.high) >>> 0, low: (sum.low - hash.low) >>> 0 }
}

export function equalDigest(a: Digest, b: Digest): boolean {
  return a.high === b.high && a.low === b.low
}

/** Sixteen hex digits. */
export function describeDigest(digest: Digest): string {
  return digest.high.toString(16).padStart(8, '0') + digest.low.toString(16).padStart(8, '0')
}

/**
 * A 64-bit hash of `bytes`: two lanes that differ in seed and multiplier, each stirred per word of four bytes and mixed
 * into the other at the end. Every step is a bijection of the lane, so that no single change is ever lost. Two CRCs of
 * different seeds would not do: for one length they differ by a constant.
 *
 * Words, since it is on the path of every write: 210 ns for 340 bytes, byte by byte 570 (measured).
 */
export function hash64(bytes: Uint8Array): Digest {
  const { length } = bytes
  let high = 0x9e3779b9 ^ length
  let low = (0x85ebca6b + length) | 0
  let at = 0
  for (; at + 4 <= length; at += 4) {
    const word = uint32At(bytes, at)
    high = Math.imul(high ^ word, 0x7feb352d)
    high ^= high >>> 15
    low = Math.imul(low ^ word, 0x5bd1e995)
    low ^= low >>> 13
  }
  for (; at < length; at++) {
    const byte = bytes[at] as number
    high = Math.imul(high ^ byte, 0x01000193)
    high ^= high >>> 15
    low = Math.imul(low ^ byte, 0x5bd1e995)
    low ^= low >>> 13
  }
  high = mix(high ^ Math.imul(low, 0xc2b2ae35))
  low = mix(low ^ Math.imul(high, 0x27d4eb2f))
  return { high, low }
}

/** Spreads every bit of a 32-bit number over all of them (a bijection): what counter-based draws are made of. */
export function mix(value: number): number {
  let mixed = value
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x7feb352d)
  mixed = Math.imul(mixed ^ (mixed >>> 15), 0x846ca68b)
  return (mixed ^ (mixed >>> 16)) >>> 0
}

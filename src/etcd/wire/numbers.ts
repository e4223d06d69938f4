/**
 * Between the 64-bit numbers of the wire and ours, which are exact up to 2^53. What lies beyond keeps its meaning: a revision
 * of 2^60 has not happened yet, whatever it is rounded to, and a limit of 2^60 keeps nothing out.
 */
import type { Revision } from '../../api/operations.js'

const MOST = Number.MAX_SAFE_INTEGER
const LARGEST = BigInt(MOST)

/** A number that counts something, from whoever sent it; what is too large or too small is as large or small as can be. */
export function numberOf(value: bigint): number {
  if (value > LARGEST) return MOST
  if (value < -LARGEST) return -MOST
  return Number(value)
}

/** Of a request: 0, and what is less, is the latest one, undefined. */
export function revisionOf(value: bigint): Revision | undefined {
  return value <= 0n ? undefined : numberOf(value)
}

/** Undefined: none. 0 and less are none, and so is what nothing can exceed. */
export function limitOf(value: bigint): number | undefined {
  return value <= 0n || value > LARGEST ? undefined : Number(value)
}

/** Of a duration in seconds as etcd's API has them; those that are too long stay too long. */
export function millisecondsOf(seconds: bigint): number {
  return numberOf(seconds) * 1000
}

/** The other way round: whole seconds, as etcd cuts them off. */
export function secondsOf(milliseconds: number): bigint {
  return BigInt(Math.floor(milliseconds / 1000))
}

/** What an answer shows of a version, and what that counts for. */
import { NO_LEASE } from '../base/lease-id.js'
import type { KeyValue } from './types.js'

/** What `keysOnly` shows of a version: neither value nor lease, as etcd since 3.7, which does not read the record for it. */
export function keyOnly(keyValue: KeyValue): KeyValue {
  return { ...keyValue, value: NO_VALUE, lease: NO_LEASE }
}

/** What a version counts for towards `responseBytesMax`. */
export function answerBytes(keyValue: KeyValue): number {
  return keyAnswerBytes(keyValue.key.length) + keyValue.value.byteLength
}

/** The same without its value. */
export function keyAnswerBytes(keyLength: number): number {
  return NUMBERS_BYTES + keyLength
}

export const NO_VALUE = new Uint8Array(0)

/** Three revisions and counts, a lease, a length, of eight bytes each. */
const NUMBERS_BYTES = 40

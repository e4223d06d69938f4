/** What our store takes and gives, from and to the words of etcd's protocol. */
import { ERRORS, isStoreError, type DeletedKey, type KeyValue, type Selection } from '../../src/index.js'
import type { LeaseNames } from './lease-names.js'
import type { SeenError, SeenKeyValue } from './observation.js'
import { FROM_KEY_ON, NO_LEASE, type Bytes } from './operation.js'

/** An empty key is one that was left out, whatever its range end: etcd refuses it, and so must we. */
export function selectionOf(key: Bytes, rangeEnd: Bytes): Selection {
  const from = bytesOf(key)
  if (key === '' || rangeEnd === '') return from
  return rangeEnd === FROM_KEY_ON ? { from } : { from, to: bytesOf(rangeEnd) }
}

export function bytesOf(bytes: Bytes): Uint8Array {
  return Buffer.from(bytes, 'latin1')
}

export function seenBytes(bytes: Uint8Array): Bytes {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

export function seenKeyValue(keyValue: KeyValue, leases: LeaseNames): SeenKeyValue {
  const { keyBytes, createRevision, modRevision, version, value, lease } = keyValue
  return {
    key: seenBytes(keyBytes),
    createRevision,
    modRevision,
    version,
    value: seenBytes(value),
    lease: lease === undefined ? NO_LEASE : leases.nameOf(String(lease)),
  }
}

export function seenDeletion({ keyBytes, modRevision }: DeletedKey): SeenKeyValue {
  const nothing = { createRevision: 0, version: 0, value: seenBytes(new Uint8Array(0)), lease: NO_LEASE }
  return { key: seenBytes(keyBytes), modRevision, ...nothing }
}

/** Undefined for what is no answer of a store. Misuse of our interface goes by the name of its class. */
export function seenError(error: unknown): SeenError | undefined {
  if (isStoreError(error)) {
    const row: { grpc: string; etcd?: string } = ERRORS[error.code]
    return { status: row.grpc === 'CANCELED' ? 'CANCELLED' : row.grpc, text: row.etcd ?? error.code }
  }
  if (error instanceof RangeError || error instanceof TypeError) return { status: error.name, text: error.message }
  return undefined
}

/**
 * A lease as bytes: its record in the state, and what its digest is made of.
 *
 *     id | time to live | granting entry | what is left
 *
 * What says nothing at the end is left out: a lease of which all is left ends before that, one of a state of format 1 or 2
 * after its time to live, so that such a state still comes to its digest.
 */
import { decodeStored, Writer } from '../base/codec.js'
import type { Lease } from './lease.js'

export function encodeLease({ id, ttlSeconds, grantIndex, remainingMs }: Lease): Uint8Array {
  const writer = new Writer(32).int64(id).uint53(ttlSeconds)
  if (grantIndex !== undefined || remainingMs !== undefined) writer.uint53(grantIndex ?? 0)
  if (remainingMs !== undefined) writer.uint53(remainingMs)
  return writer.finish()
}

/** Throws `DATA_DAMAGED`. */
export function decodeLease(bytes: Uint8Array): Lease {
  return decodeStored(bytes, 'the record of a lease', (reader) => ({
    id: reader.int64(),
    ttlSeconds: reader.uint53(),
    grantIndex: reader.remaining === 0 ? undefined : reader.uint53() || undefined,
    remainingMs: reader.remaining === 0 ? undefined : reader.uint53(),
  }))
}

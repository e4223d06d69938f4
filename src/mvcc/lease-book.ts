/**
 * The port to whoever keeps the leases: which exist, and which key hangs on which.
 *
 * Inside the replicated machine the lessor stands behind it. A key hangs on at most one lease, that of its latest
 * version; the book is told of every change, so that it never disagrees with the records.
 */
import type { Key } from '../base/bytes.js'
import { AssertionError } from '../base/assert.js'
import { NO_LEASE, type LeaseId } from '../base/lease-id.js'

export interface LeaseBook {
  exists(lease: LeaseId): boolean
  /** {@link NO_LEASE} for a key without one. */
  leaseOf(key: Key): LeaseId
  /** Hangs `key` on `lease`, which exists, and on no other. */
  attach(key: Key, lease: LeaseId): void
  detach(key: Key): void
}

/** For a key space without leases: a put that names one is refused with `LEASE_NOT_FOUND`. */
export const NO_LEASES: LeaseBook = {
  exists: () => false,
  leaseOf: () => NO_LEASE,
  attach: (key, lease) => {
    throw new AssertionError(`${JSON.stringify(key)} is attached to lease ${lease}, but no lease exists here`)
  },
  detach: () => undefined,
}

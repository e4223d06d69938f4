/** The name of a lease: it stands in the key space's records as well as in the lessor's book. */

/** 64-bit and possibly negative, as on etcd's wire; {@link NO_LEASE} for none. */
export type LeaseId = bigint
export const NO_LEASE: LeaseId = 0n

const BITS = 64

/** Throws TypeError or RangeError for what is no lease's id. */
export function checkLeaseId(id: LeaseId): LeaseId {
  if (typeof id !== 'bigint')
    throw new TypeError(`a lease id is a bigint, as leases.grant() returns it, not ${typeof id}`)
  if (id === NO_LEASE || BigInt.asIntN(BITS, id) !== id) {
    throw new RangeError(`a lease id is a signed 64-bit number other than 0, not ${id}`)
  }
  return id
}

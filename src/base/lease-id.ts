/** The name of a lease: it stands in the key space's records as well as in the lessor's book. */

/** 64-bit and possibly negative, as on etcd's wire; {@link NO_LEASE} for none. */
export type LeaseId = bigint
export const NO_LEASE: LeaseId = 0n

/** A lease as everybody knows it: what is replicated of it. */
import type { LeaseId } from '../base/lease-id.js'

export interface Lease {
  readonly id: LeaseId
  /** As granted. */
  readonly ttlSeconds: number
  /** The entry of the log that granted it, which tells it from an earlier lease of the same id. Undefined: before all others. */
  readonly grantIndex?: number | undefined
  /** What a leader that comes to lead starts from, as last checkpointed: less than all of it. Undefined: all of it. */
  readonly remainingMs?: number | undefined
}

/** How much of a lease was left when it was proposed to say so. */
export interface LeaseCheckpoint {
  readonly id: LeaseId
  readonly remainingMs: number
}

/** Milliseconds of a lease that are left by what is replicated. */
export function leftOf({ ttlSeconds, remainingMs }: Lease): number {
  return remainingMs ?? ttlSeconds * 1000
}

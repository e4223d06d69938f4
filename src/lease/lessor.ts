/**
 * The replicated book of leases: which exist, how long each lives without renewal, which keys hang on it.
 *
 * The same on every member, since it changes only by applying the log. When a lease ends is not in here: that is decided
 * by the leader with its own clock (expiry.ts) and done through the log, as a revocation.
 *
 * Always: a key hangs on at most one lease, which exists.
 */
import { assert } from '../base/assert.js'
import type { Key } from '../base/bytes.js'
import { addDigest, EMPTY_DIGEST, hash64, removeDigest, type Digest } from '../base/checksum.js'
import { Writer } from '../base/codec.js'
import { StoreError } from '../base/errors.js'
import { NO_LEASE, type LeaseId } from '../base/lease-id.js'
import { LIMITS } from '../base/limits.js'

export interface Lease {
  readonly id: LeaseId
  /** As granted. */
  readonly ttlSeconds: number
}

interface Entry extends Lease {
  readonly keys: Set<Key>
}

export class Lessor {
  readonly #leases = new Map<LeaseId, Entry>()
  /** Only keys that hang on a lease, so that a store without leases pays nothing. */
  readonly #leaseOf = new Map<Key, LeaseId>()
  #digest: Digest = EMPTY_DIGEST

  get size(): number {
    return this.#leases.size
  }

  /** The sum over all leases. The keys that hang on them are counted by their records. */
  get digest(): Digest {
    return this.#digest
  }

  /**
   * Throws `LEASE_EXISTS`, `LEASE_TTL_TOO_LARGE`. A TTL below a second, zero and less included, is raised to one.
   *
   * No other minimum is applied here: whoever proposes the grant raises it by its own election timeout and says so in the
   * command. Members whose options differ would otherwise come to different states from one log.
   */
  grant(id: LeaseId, ttlSeconds: number): Lease {
    assert(id !== NO_LEASE, 'lease 0 stands for none')
    if (ttlSeconds > LIMITS.leaseTtlSecondsMax) {
      throw new StoreError(
        'LEASE_TTL_TOO_LARGE',
        `A lease of ${ttlSeconds} s is too long; at most ${LIMITS.leaseTtlSecondsMax} s are allowed.`,
      )
    }
    if (this.#leases.has(id)) throw new StoreError('LEASE_EXISTS', `Lease ${id} exists already.`)
    return this.restore({ id, ttlSeconds: Math.max(ttlSeconds, LIMITS.leaseTtlSecondsMin) })
  }

  /** Takes up a lease as it was granted before, when the state is loaded. */
  restore(lease: Lease): Lease {
    assert(!this.#leases.has(lease.id), () => `lease ${lease.id} is restored twice`)
    this.#leases.set(lease.id, { id: lease.id, ttlSeconds: lease.ttlSeconds, keys: new Set() })
    this.#digest = addDigest(this.#digest, hashLease(lease))
    return lease
  }

  /** Ends a lease from which all keys were detached. Throws `LEASE_NOT_FOUND`. */
  revoke(id: LeaseId): void {
    const found = this.#require(id)
    assert(found.keys.size === 0, () => `lease ${id} ends while ${found.keys.size} keys hang on it`)
    this.#leases.delete(id)
    this.#digest = removeDigest(this.#digest, hashLease(found))
  }

  get(id: LeaseId): Lease | undefined {
    return this.#leases.get(id)
  }

  exists(id: LeaseId): boolean {
    return this.#leases.has(id)
  }

  /** All leases, in the order of their ids. */
  leases(): readonly Lease[] {
    return [...this.#leases.values()].sort((a, b) => (a.id < b.id ? -1 : 1))
  }

  /** The keys that hang on a lease, in their order. Throws `LEASE_NOT_FOUND`. */
  keysOf(id: LeaseId): readonly Key[] {
    return [...this.#require(id).keys].sort()
  }

  /** The keys that hang on a lease, in no order that means anything; none for one that does not exist. A view: read it at once. */
  attachedTo(id: LeaseId): Iterable<Key> {
    return this.#leases.get(id)?.keys ?? []
  }

  /** {@link NO_LEASE} for a key without one. */
  leaseOf(key: Key): LeaseId {
    return this.#leaseOf.get(key) ?? NO_LEASE
  }

  /** Hangs `key` on a lease that exists, and on no other. */
  attach(key: Key, id: LeaseId): void {
    const lease = this.#leases.get(id)
    assert(lease !== undefined, () => `${JSON.stringify(key)} is attached to lease ${id}, which does not exist`)
    this.detach(key)
    lease.keys.add(key)
    this.#leaseOf.set(key, id)
  }

  detach(key: Key): void {
    if (this.#leaseOf.size === 0) return
    const id = this.#leaseOf.get(key)
    if (id === undefined) return
    this.#leases.get(id)?.keys.delete(key)
    this.#leaseOf.delete(key)
  }

  #require(id: LeaseId): Entry {
    const found = this.#leases.get(id)
    if (found === undefined) {
      throw new StoreError('LEASE_NOT_FOUND', `Lease ${id} does not exist: it ended or was never granted.`)
    }
    return found
  }
}

function hashLease(lease: Lease): Digest {
  return hash64(new Writer(16).int64(lease.id).uint53(lease.ttlSeconds).finish())
}

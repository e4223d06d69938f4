/**
 * The replicated book of leases: which exist, how long each lives without renewal, which keys hang on it.
 *
 * The same on every member, since it changes only by applying the log. When a lease ends is not in here: that is decided
 * by the leader with its own clock (expiry.ts) and done through the log, as a revocation. What the leader lets the others
 * know of its clock is how much of a long lease is left (checkpoints.ts): from there the next leader goes on.
 *
 * Always: a key hangs on at most one lease, which exists.
 */
import { assert } from '../base/assert.js'
import type { Key } from '../base/bytes.js'
import { addDigest, EMPTY_DIGEST, hash64, removeDigest, type Digest } from '../base/checksum.js'
import { StoreError } from '../base/errors.js'
import { NO_LEASE, type LeaseId } from '../base/lease-id.js'
import { LIMITS } from '../base/limits.js'
import type { Lease, LeaseCheckpoint } from './lease.js'
import { encodeLease } from './record.js'

interface Entry extends Lease {
  remainingMs: number | undefined
  readonly keys: Set<Key>
}

export class Lessor {
  readonly #leases = new Map<LeaseId, Entry>()
  /** Only keys that hang on a lease, so that a store without leases pays nothing. */
  readonly #leaseOf = new Map<Key, LeaseId>()
  #digest: Digest = EMPTY_DIGEST
  #bytes = 0

  get size(): number {
    return this.#leases.size
  }

  /** The sum over all leases. The keys that hang on them are counted by their records. */
  get digest(): Digest {
    return this.#digest
  }

  /** Of their records, without the keys of those. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Throws `LEASE_EXISTS`, `LEASE_TTL_TOO_LARGE`. A TTL below a second, zero and less included, is raised to one.
   *
   * No other minimum is applied here: whoever proposes the grant raises it by its own election timeout and says so in the
   * command. Members whose options differ would otherwise come to different states from one log.
   */
  grant(id: LeaseId, ttlSeconds: number, grantIndex?: number): Lease {
    assert(id !== NO_LEASE, 'lease 0 stands for none')
    if (ttlSeconds > LIMITS.leaseTtlSecondsMax) {
      throw new StoreError(
        'LEASE_TTL_TOO_LARGE',
        `A lease of ${ttlSeconds} s is too long; at most ${LIMITS.leaseTtlSecondsMax} s are allowed.`,
      )
    }
    if (this.#leases.has(id)) throw new StoreError('LEASE_EXISTS', `Lease ${id} exists already.`)
    return this.restore({ id, ttlSeconds: Math.max(ttlSeconds, LIMITS.leaseTtlSecondsMin), grantIndex })
  }

  /** Takes up a lease as it was granted before, when the state is loaded. */
  restore(lease: Lease): Lease {
    assert(!this.#leases.has(lease.id), () => `lease ${lease.id} is restored twice`)
    const { id, ttlSeconds, grantIndex, remainingMs } = lease
    this.#leases.set(id, { id, ttlSeconds, grantIndex, remainingMs, keys: new Set() })
    this.#add(lease)
    return lease
  }

  /**
   * Notes how much of a lease is left; the lease as it is then. Undefined where that lease is gone: it may have ended
   * meanwhile, and one that was granted after `grantedUpTo` under the same id is another one.
   */
  checkpoint({ id, remainingMs }: LeaseCheckpoint, grantedUpTo: number): Lease | undefined {
    const found = this.#leases.get(id)
    if (found === undefined || isLater(found, grantedUpTo)) return undefined
    this.#remove(found)
    found.remainingMs = remainingMs < found.ttlSeconds * 1000 ? remainingMs : undefined
    this.#add(found)
    return found
  }

  /** Throws `LEASE_NOT_FOUND`, also where the lease was granted after `grantedUpTo`: another one under the same id. */
  requireGranted(id: LeaseId, grantedUpTo: number): void {
    if (isLater(this.#require(id), grantedUpTo)) throw notFound(id)
  }

  /** Ends a lease from which all keys were detached. Throws `LEASE_NOT_FOUND`. */
  revoke(id: LeaseId): void {
    const found = this.#require(id)
    assert(found.keys.size === 0, () => `lease ${id} ends while ${found.keys.size} keys hang on it`)
    this.#leases.delete(id)
    this.#remove(found)
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

  /** All leases, in no order that means anything. A view: read it at once. */
  all(): Iterable<Lease> {
    return this.#leases.values()
  }

  /** The ids of all leases, in their order. As numbers of 64 bits: a million of them are sorted in some ten milliseconds. */
  ids(): BigInt64Array {
    return BigInt64Array.from(this.#leases.keys()).sort()
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

  #add(lease: Lease): void {
    const record = encodeLease(lease)
    this.#bytes += record.byteLength
    this.#digest = addDigest(this.#digest, hash64(record))
  }

  #remove(lease: Lease): void {
    const record = encodeLease(lease)
    this.#bytes -= record.byteLength
    this.#digest = removeDigest(this.#digest, hash64(record))
  }

  #require(id: LeaseId): Entry {
    const found = this.#leases.get(id)
    if (found === undefined) throw notFound(id)
    return found
  }
}

function isLater({ grantIndex = 0 }: Lease, index: number): boolean {
  return grantIndex > index
}

function notFound(id: LeaseId): StoreError {
  return new StoreError('LEASE_NOT_FOUND', `Lease ${id} does not exist: it ended or was never granted.`)
}

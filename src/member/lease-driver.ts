/**
 * The leader's part of leases: keeps their time, and says which are over.
 *
 * Always: only the leader's monotonic clock decides; that a lease ends is done through the log (loop.ts). Always: a new
 * leader gives every lease its full time again plus an election timeout, since it does not know when the old one renewed.
 */
import type { LeaseId } from '../base/lease-id.js'
import { NO_LEASE } from '../base/lease-id.js'
import { NEVER, type Buggify } from '../base/buggify.js'
import { LIMITS } from '../base/limits.js'
import type { Random } from '../base/random.js'
import { Expiry } from '../lease/expiry.js'
import type { Lease, Lessor } from '../lease/lessor.js'
import type { Applied } from '../machine/outcome.js'
import type { Observe } from './event.js'
import type { CallResponse } from './wire/call-codec.js'

export class LeaseDriver {
  readonly #lessor: Lessor
  readonly #electionTimeoutMs: number
  readonly #observe: Observe | undefined
  readonly #buggify: Buggify
  readonly #expiry = new Expiry()
  #questions = 0

  constructor(lessor: Lessor, electionTimeoutMs: number, observe?: Observe, buggify = NEVER) {
    this.#buggify = buggify
    this.#observe = observe
    this.#lessor = lessor
    this.#electionTimeoutMs = electionTimeoutMs
  }

  /** One and a half election timeouts, as etcd has it: a shorter lease would end while the cluster is between two leaders. */
  get minimumTtlSeconds(): number {
    return Math.ceil((1.5 * this.#electionTimeoutMs) / 1000)
  }

  lead(nowMs: number): void {
    this.#observe?.({ type: 'leases-taken-over', atMs: nowMs, extensionMs: this.#electionTimeoutMs })
    this.#expiry.promote(this.#lessor.leases(), nowMs, this.#electionTimeoutMs)
  }

  follow(): void {
    if (this.#expiry.leading) this.#observe?.({ type: 'leases-given-up' })
    this.#expiry.demote()
  }

  /** Follows what was applied: on every member, so that whoever leads next has nothing to catch up with. */
  applied(applied: Applied, nowMs: number): void {
    if (applied.outcome?.ok !== true) return
    const { response } = applied.outcome
    if (response.type === 'lease-grant') this.#grant(response, nowMs)
    else if (response.type === 'lease-revoke') this.#expiry.revoke(response.id)
  }

  /** Leases to revoke now; each is given once in a while only, until it is gone. */
  expired(nowMs: number): readonly LeaseId[] {
    const limit = this.#buggify('lease-revoke-one') ? 1 : LIMITS.leaseExpiriesPerTurnMax
    const leases = this.#expiry.expired(nowMs, limit)
    if (leases.length > 0) this.#observe?.({ type: 'leases-expired', atMs: nowMs, leases })
    return leases
  }

  nextDeadlineMs(): number {
    return this.#expiry.nextDeadlineMs ?? Infinity
  }

  /** Somebody wants to renew; gives the number of the question, for {@link renew}. */
  asked(lease: LeaseId): number {
    const question = ++this.#questions
    this.#observe?.({ type: 'lease-asked', question, lease })
    return question
  }

  renew(id: LeaseId, question: number, nowMs: number): CallResponse {
    const remainingMs = this.#expiry.renew(id, nowMs)
    if (remainingMs === undefined) return { type: 'lease', exists: false }
    const response = this.#leaseOf(id, remainingMs)
    if (response.type === 'lease' && response.exists) {
      this.#observe?.({ type: 'lease-renewed', question, lease: id, atMs: nowMs, ttlMs: response.ttlMs, remainingMs })
    }
    return response
  }

  timeToLive(id: LeaseId, nowMs: number): CallResponse {
    const remainingMs = this.#expiry.remaining(id, nowMs)
    return remainingMs === undefined ? { type: 'lease', exists: false } : this.#leaseOf(id, remainingMs)
  }

  /** A positive lease id that is not in use as far as this member knows. */
  freshId(random: Random): LeaseId {
    for (;;) {
      const id = (BigInt(random.uint32() >>> 1) << 32n) | BigInt(random.uint32())
      if (id !== NO_LEASE && !this.#lessor.exists(id)) return id
    }
  }

  #grant(lease: Lease, nowMs: number): void {
    this.#expiry.grant(lease, nowMs)
    if (!this.#expiry.leading) return
    this.#observe?.({ type: 'lease-granted', lease: lease.id, atMs: nowMs, ttlMs: lease.ttlSeconds * 1000 })
  }

  #leaseOf(id: LeaseId, remainingMs: number): CallResponse {
    const lease = this.#lessor.get(id)
    if (lease === undefined) return { type: 'lease', exists: false }
    return { type: 'lease', exists: true, ttlMs: lease.ttlSeconds * 1000, remainingMs: Math.floor(remainingMs) }
  }
}

/**
 * When leases end: the leader's own book of deadlines, in its monotonic time.
 *
 * It decides only that a lease is due; that it ends is done through the log. It is empty on everybody but the leader, and
 * thrown away with the leadership: a member that comes back to lead begins anew from the replicated book.
 *
 * Always: a lease is not due before its full TTL has passed since it was granted or last renewed, or what the log says is
 * left of it since this member took over. A new leader does not know when the old one last renewed, so it goes by what the
 * log says, which is never less than was promised (checkpoints.ts), and gives one election timeout more: renewals that
 * reached the old leader may still be acknowledged while it does not know that it was replaced.
 * Always: a lease that is due is renewed no more. Its revocation may be under way, and whoever was told of a renewal would
 * hold a lease that is about to end. Its owner learns the end instead.
 *
 * Time is an argument. It never goes back.
 */
import { assert } from '../base/assert.js'
import type { LeaseId } from '../base/lease-id.js'
import { DeadlineQueue, type Due } from './deadline-queue.js'
import { leftOf, type Lease } from './lease.js'

/** How long after a lease was handed out as expired it is handed out again, if it did not end: its proposal may have been lost. */
export const EXPIRY_RETRY_MS = 1_000

interface Deadline extends Due {
  readonly ttlMs: number
  /** When it ends; `dueMs` moves beyond this while its revocation is tried. */
  deadlineMs: number
}

export class Expiry {
  readonly #deadlines = new Map<LeaseId, Deadline>()
  readonly #queue = new DeadlineQueue()
  #leading = false

  /** Whether this member decides. */
  get leading(): boolean {
    return this.#leading
  }

  /** Takes over as the leader, with all leases of the replicated book: each gets what that says is left, and the extension. */
  promote(leases: Iterable<Lease>, nowMs: number, extensionMs: number): void {
    this.demote()
    this.#leading = true
    for (const lease of leases) this.#add(lease, nowMs + leftOf(lease) + extensionMs)
  }

  /** The leadership is over: nothing is due here any more. */
  demote(): void {
    this.#leading = false
    this.#deadlines.clear()
    this.#queue.clear()
  }

  /** A lease was granted. Ignored where this member does not lead, so that applying need not ask. */
  grant(lease: Lease, nowMs: number): void {
    if (!this.#leading) return
    assert(!this.#deadlines.has(lease.id), () => `lease ${lease.id} is granted twice`)
    this.#add(lease, nowMs + lease.ttlSeconds * 1000)
  }

  /** A lease ended. */
  revoke(id: LeaseId): void {
    const found = this.#deadlines.get(id)
    if (found === undefined) return
    this.#queue.remove(found)
    this.#deadlines.delete(id)
  }

  /**
   * Gives a lease its full TTL again, never less than it has; the remaining milliseconds, or undefined where it is unknown
   * or already due.
   */
  renew(id: LeaseId, nowMs: number): number | undefined {
    const found = this.#deadlines.get(id)
    if (found === undefined || found.deadlineMs <= nowMs) return undefined
    found.deadlineMs = Math.max(found.deadlineMs, nowMs + found.ttlMs)
    this.#queue.move(found, found.deadlineMs)
    return found.deadlineMs - nowMs
  }

  /** When a lease ends, unless it is renewed; undefined where it is unknown here. */
  deadlineMs(id: LeaseId): number | undefined {
    return this.#deadlines.get(id)?.deadlineMs
  }

  /** Milliseconds a lease has left, 0 where it is due, undefined where it is unknown here. */
  remaining(id: LeaseId, nowMs: number): number | undefined {
    const found = this.#deadlines.get(id)
    return found && Math.max(0, found.deadlineMs - nowMs)
  }

  /** Up to `limit` leases to revoke now, the longest due first. Each is given again after {@link EXPIRY_RETRY_MS} if it is still here. */
  expired(nowMs: number, limit: number): readonly LeaseId[] {
    const ids: LeaseId[] = []
    while (ids.length < limit) {
      const first = this.#queue.first
      if (first === undefined || first.dueMs > nowMs) break
      ids.push(first.id)
      this.#queue.move(first, nowMs + EXPIRY_RETRY_MS)
    }
    return ids
  }

  /** When {@link expired} next has something to give; undefined: never, as things are. */
  get nextDeadlineMs(): number | undefined {
    return this.#queue.first?.dueMs
  }

  #add(lease: Lease, deadlineMs: number): void {
    const deadline: Deadline = {
      id: lease.id,
      ttlMs: lease.ttlSeconds * 1000,
      deadlineMs,
      dueMs: deadlineMs,
      place: -1,
    }
    this.#deadlines.set(lease.id, deadline)
    this.#queue.add(deadline)
  }
}

/**
 * What the log says of the time that leases have left: the leader's own book, beside the one of deadlines (expiry.ts).
 *
 * Whoever leads next starts from what the log says, and can know no better. A short lease simply starts anew: that
 * lengthens it by its TTL at most. Of a long one the leader says in the log, again and again, how much is left; so a change
 * of leader lengthens it by what passed since, which is at most the interval. To have time for it, and so that many that
 * come due together can be spread, it is said as soon as half of the interval has passed.
 *
 * A renewal is the other direction: it is told to its owner, and the log need not know. That is safe while the log says "all
 * of it", and wrong once it says less: the next leader would end the lease early. So a lease of which the log says less
 * is renewed through the log (`restore`), and its owner is told only when that is applied.
 *
 * Why no lease ends early. Let a leader be told by its owner to renew at t, so that it promises the TTL from t on. It tells
 * the owner only if every entry about the lease that it ever proposed is applied, and the last one says "all of it". Whoever
 * leads next has that entry before the one that its own term begins with (it is committed), and begins with its clock after t
 * (leadership was confirmed after t). Behind that entry in the log there can only be some that this leader proposed later;
 * each says what is left of the deadline at that time, which the renewal had moved by then. So the next leader gives the
 * lease no less than was promised, and one election timeout more.
 *
 * Always: it is pessimistic about the log: what was proposed counts as if it might be the last word, what is "all of it"
 * counts once it is applied. Empty on everybody but the leader.
 */
import { assert } from '../base/assert.js'
import type { LeaseId } from '../base/lease-id.js'
import { DeadlineQueue, type Due } from './deadline-queue.js'
import { leftOf, type Lease, type LeaseCheckpoint } from './lease.js'

interface Said extends Due {
  readonly ttlMs: number
  /** By the last entry that was proposed. */
  remainingMs: number
  /** Entries about it that were proposed and are not applied. */
  unapplied: number
}

export class Checkpoints {
  readonly #intervalMs: number
  /** Until when a lease lives, by the clock of the leader. */
  readonly #deadlineOf: (id: LeaseId) => number | undefined
  /** Leases of which the log says less than all, or may have to. */
  readonly #said = new Map<LeaseId, Said>()
  readonly #queue = new DeadlineQueue()
  readonly #toRestore = new Set<LeaseId>()

  /** `intervalMs`: by how much a change of leader may lengthen a lease. */
  constructor(intervalMs: number, deadlineOf: (id: LeaseId) => number | undefined) {
    this.#intervalMs = intervalMs
    this.#deadlineOf = deadlineOf
  }

  clear(): void {
    this.#said.clear()
    this.#queue.clear()
    this.#toRestore.clear()
  }

  /** A lease was granted, or found in the replicated book; its deadline is known. */
  add(lease: Lease, nowMs: number): void {
    const ttlMs = lease.ttlSeconds * 1000
    const remainingMs = leftOf(lease)
    if (ttlMs <= this.#intervalMs && remainingMs === ttlMs) return
    assert(!this.#said.has(lease.id), () => `lease ${lease.id} is there twice`)
    const said: Said = { id: lease.id, ttlMs, remainingMs, unapplied: 0, dueMs: 0, place: -1 }
    said.dueMs = this.#dueMs(said, nowMs)
    this.#said.set(lease.id, said)
    this.#queue.add(said)
  }

  /** A lease ended. */
  remove(id: LeaseId): void {
    const said = this.#said.get(id)
    if (said === undefined) return
    this.#queue.remove(said)
    this.#said.delete(id)
    this.#toRestore.delete(id)
  }

  /** Whether a renewal needs no word in the log. */
  saysAll(id: LeaseId): boolean {
    const said = this.#said.get(id)
    return said === undefined || (said.unapplied === 0 && said.remainingMs === said.ttlMs)
  }

  /** The lease was renewed: the log has to say so, unless that is on its way. */
  restore(id: LeaseId): void {
    const said = this.#said.get(id)
    if (said !== undefined && said.remainingMs < said.ttlMs) this.#toRestore.add(id)
  }

  /** Up to `limit` renewals that the log has to know of. */
  restorations(limit: number): readonly LeaseCheckpoint[] {
    const checkpoints: LeaseCheckpoint[] = []
    for (const id of this.#toRestore) {
      if (checkpoints.length >= limit) break
      const said = this.#said.get(id)
      if (said !== undefined) checkpoints.push({ id, remainingMs: said.ttlMs })
    }
    return checkpoints
  }

  /** Up to `limit` leases of whose time too much has passed. To be followed by {@link proposed}. */
  due(nowMs: number, limit: number): readonly LeaseCheckpoint[] {
    const checkpoints: LeaseCheckpoint[] = []
    while (checkpoints.length < limit) {
      const first = this.#queue.first as Said | undefined
      if (first === undefined || first.dueMs > nowMs) break
      // Renewals do not move it in the queue: they come more often than this.
      this.#queue.move(first, this.#dueMs(first, nowMs))
      if (first.dueMs > nowMs) continue
      const remainingMs = Math.ceil((this.#deadlineOf(first.id) ?? 0) - nowMs)
      // Out of the way; `proposed` puts it where it belongs.
      this.#queue.move(first, nowMs + this.#intervalMs / 2)
      // What is about to end, or to be made whole, needs no word.
      if (remainingMs <= 0 || this.#toRestore.has(first.id)) continue
      checkpoints.push({ id: first.id, remainingMs })
    }
    return checkpoints
  }

  /** They were appended to this leader's log, or were not: then they come again. */
  proposed(checkpoints: readonly LeaseCheckpoint[], accepted: boolean, nowMs: number): void {
    for (const { id, remainingMs } of checkpoints) {
      const said = this.#said.get(id)
      if (said === undefined) continue
      if (accepted) {
        said.remainingMs = remainingMs
        said.unapplied++
        this.#toRestore.delete(id)
      }
      this.#queue.move(said, this.#dueMs(said, nowMs))
    }
  }

  /** An entry that this leader proposed in this term was applied, to these. */
  applied(checkpoints: readonly LeaseCheckpoint[]): void {
    for (const { id } of checkpoints) {
      const said = this.#said.get(id)
      if (said !== undefined) said.unapplied--
    }
  }

  /** When {@link due} may next have something to say; undefined: never, as things are. */
  get nextDueMs(): number | undefined {
    return this.#queue.first?.dueMs
  }

  /** Whether a renewal waits to be said. */
  get mustRestore(): boolean {
    return this.#toRestore.size > 0
  }

  /** When half of the interval has passed of what the log does not know. */
  #dueMs({ id, remainingMs }: Said, nowMs: number): number {
    const deadlineMs = this.#deadlineOf(id) ?? nowMs
    return Math.max(deadlineMs - remainingMs + this.#intervalMs / 2, 0)
  }
}

/**
 * Leases: R21 a key does not outlive its lease, a lease is not ended before its time has passed by the clock of the leader
 * who ends it, and nobody is told of a renewal by a leader after a later one found the lease to be over.
 */
import type { LeaseId } from '../../base/lease-id.js'
import type { MemberEvent } from '../../member/event.js'
import type { Index, Term } from '../../raft/types.js'
import type { MemberView } from './member-view.js'
import { fail } from './violation.js'

type EventOf<Type extends MemberEvent['type']> = Extract<MemberEvent, { type: Type }>

interface Lease {
  readonly ttlMs: number
  readonly keys: Set<string>
  /** The latest term whose leader found it to be over. */
  expiredIn: Term
}

/** What a leader may not do before when. */
interface Book {
  readonly term: Term
  /** Of those that were there before it led: not within this of their time. */
  readonly sinceMs: number
  readonly untilMs: Map<LeaseId, number>
}

/** Clocks count in fractions of milliseconds. */
const TOLERANCE_MS = 0.001

export class LeaseChecker {
  readonly #leases = new Map<LeaseId, Lease>()
  readonly #leaseOf = new Map<string, LeaseId>()
  readonly #books = new Map<MemberView, Book>()

  recovered(view: MemberView): void {
    this.#books.delete(view)
  }

  /** By the first member to apply the entry. */
  applied(view: MemberView, { entry, applied }: EventOf<'applied'>): void {
    if (applied?.outcome?.ok !== true) return
    const { response } = applied.outcome
    if (response.type === 'lease-grant') {
      this.#leases.set(response.id, { ttlMs: response.ttlSeconds * 1000, keys: new Set(), expiredIn: 0 })
    }
    for (const { type, keyValue } of applied.events) {
      this.#detach(keyValue.key)
      if (type === 'put' && keyValue.lease !== 0n) this.#attach(view, keyValue.key, keyValue.lease, entry.index)
    }
    if (response.type !== 'lease-revoke') return
    const left = this.#leases.get(response.id)?.keys.values().next()
    if (left?.done === false) {
      fail('R21', `key ${left.value} outlives lease ${response.id}, which ends at entry ${entry.index} (${view.name})`)
    }
    this.#leases.delete(response.id)
  }

  takenOver(view: MemberView, { atMs, extensionMs }: EventOf<'leases-taken-over'>): void {
    this.#books.set(view, { term: view.ledTerm, sinceMs: atMs + extensionMs, untilMs: new Map() })
  }

  givenUp(view: MemberView): void {
    this.#books.delete(view)
  }

  granted(view: MemberView, { lease, atMs, ttlMs }: EventOf<'lease-granted'>): void {
    this.#books.get(view)?.untilMs.set(lease, atMs + ttlMs)
  }

  renewed(view: MemberView, { lease, atMs, ttlMs, remainingMs }: EventOf<'lease-renewed'>): void {
    const book = this.#books.get(view)
    if (book === undefined) fail('R21', `${view.name} renews lease ${lease} and does not lead`)
    const known = this.#leases.get(lease)
    if (known !== undefined && known.expiredIn > book.term) {
      fail(
        'R21',
        `${view.name} tells in term ${book.term} that lease ${lease} lives for ${remainingMs} ms, ` +
          `the leader of term ${known.expiredIn} has found it to be over`,
      )
    }
    if (known !== undefined && known.ttlMs !== ttlMs) {
      fail('R21', `${view.name} renews lease ${lease} for ${ttlMs} ms, it was granted ${known.ttlMs}`)
    }
    book.untilMs.set(lease, Math.max(book.untilMs.get(lease) ?? 0, atMs + remainingMs))
  }

  expired(view: MemberView, { atMs, leases }: EventOf<'leases-expired'>): void {
    const book = this.#books.get(view)
    if (book === undefined) fail('R21', `${view.name} ends leases and does not lead`)
    for (const id of leases) {
      const known = this.#leases.get(id)
      const untilMs = Math.max(book.untilMs.get(id) ?? 0, known === undefined ? 0 : this.#inherited(book, id, known))
      if (atMs + TOLERANCE_MS < untilMs) {
        fail('R21', `${view.name} ends lease ${id} ${Math.ceil(untilMs - atMs)} ms before its time has passed`)
      }
      if (known !== undefined) known.expiredIn = Math.max(known.expiredIn, book.term)
    }
  }

  /** Until when a lease lives that this leader found when it began to lead. */
  #inherited(book: Book, id: LeaseId, { ttlMs }: Lease): number {
    return book.untilMs.has(id) ? 0 : book.sinceMs + ttlMs
  }

  #attach(view: MemberView, key: string, id: LeaseId, index: Index): void {
    const lease = this.#leases.get(id)
    if (lease === undefined)
      fail('R21', `entry ${index} hangs ${key} on lease ${id}, which is not there (${view.name})`)
    lease.keys.add(key)
    this.#leaseOf.set(key, id)
  }

  #detach(key: string): void {
    if (this.#leaseOf.size === 0) return
    const id = this.#leaseOf.get(key)
    if (id === undefined) return
    this.#leases.get(id)?.keys.delete(key)
    this.#leaseOf.delete(key)
  }
}

/**
 * Leases: R21 a key does not outlive its lease, a lease is not ended before its time has passed by the clock of the leader
 * who ends it, and no leader renews a lease that a later one had found to be over when it was asked.
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
}

/** What a leader may not do before when. */
interface Book {
  readonly term: Term
  /** Of those that were there before it led: not within this of their time. */
  readonly sinceMs: number
  readonly untilMs: Map<LeaseId, number>
  /** Questions that may still be answered with a renewal: in which term the lease had been found to be over by then. */
  readonly asked: Map<number, Term>
}

/** Clocks count in fractions of milliseconds. */
const TOLERANCE_MS = 0.001
const QUESTIONS_MAX = 1000

export class LeaseChecker {
  readonly #leases = new Map<LeaseId, Lease>()
  readonly #leaseOf = new Map<string, LeaseId>()
  /** The latest term whose leader found it to be over; kept when it is gone. */
  readonly #expiredIn = new Map<LeaseId, Term>()
  readonly #books = new Map<MemberView, Book>()

  recovered(view: MemberView): void {
    this.#books.delete(view)
  }

  /** By the first member to apply the entry. */
  applied(view: MemberView, { entry, applied }: EventOf<'applied'>): void {
    if (applied?.outcome?.ok !== true) return
    const { response } = applied.outcome
    if (response.type === 'lease-grant') {
      this.#leases.set(response.id, { ttlMs: response.ttlSeconds * 1000, keys: new Set() })
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
    this.#books.set(view, { term: view.ledTerm, sinceMs: atMs + extensionMs, untilMs: new Map(), asked: new Map() })
  }

  givenUp(view: MemberView): void {
    this.#books.delete(view)
  }

  granted(view: MemberView, { lease, atMs, ttlMs }: EventOf<'lease-granted'>): void {
    this.#books.get(view)?.untilMs.set(lease, atMs + ttlMs)
  }

  /** What a later leader finds while the question is on its way is no contradiction: the renewal came before. */
  asked(view: MemberView, { question, lease }: EventOf<'lease-asked'>): void {
    const asked = this.#books.get(view)?.asked
    if (asked === undefined) return
    // Most are answered at once; of those that never were, the oldest are forgotten.
    if (asked.size >= QUESTIONS_MAX) asked.delete(asked.keys().next().value as number)
    asked.set(question, this.#expiredIn.get(lease) ?? 0)
  }

  renewed(view: MemberView, { question, lease, atMs, ttlMs, remainingMs }: EventOf<'lease-renewed'>): void {
    const book = this.#books.get(view)
    if (book === undefined) fail('R21', `${view.name} renews lease ${lease} and does not lead`)
    const expiredIn = book.asked.get(question) ?? 0
    book.asked.delete(question)
    if (expiredIn > book.term) {
      fail(
        'R21',
        `${view.name} tells in term ${book.term} that lease ${lease} lives for ${remainingMs} ms, ` +
          `the leader of term ${expiredIn} had found it to be over before that was asked`,
      )
    }
    const known = this.#leases.get(lease)
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
      this.#expiredIn.set(id, Math.max(this.#expiredIn.get(id) ?? 0, book.term))
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

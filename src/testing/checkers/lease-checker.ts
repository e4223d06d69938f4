/**
 * Leases: R21 a key does not outlive its lease, a lease is not ended before its time has passed by the clock of the leader
 * who ends it, no leader renews a lease that a later one had found to be over when it was asked, or says that it lives for
 * longer than whoever leads next would have to know from the log, and a change of leader does not lengthen it beyond its
 * bound.
 */
import type { LeaseId } from '../../base/lease-id.js'
import type { LeaseCheckpoint } from '../../lease/lease.js'
import type { MemberEvent } from '../../member/event.js'
import type { Index, Term } from '../../raft/types.js'
import type { MemberView } from './member-view.js'
import { fail } from './violation.js'

type EventOf<Type extends MemberEvent['type']> = Extract<MemberEvent, { type: Type }>

interface Lease {
  readonly ttlMs: number
  /** What is left of it by what is committed. */
  leftMs: number
  readonly keys: Set<string>
}

/** What a leader may not do before when. */
interface Book {
  readonly term: Term
  /** What it gives to those that were there before it led, besides what was left of them. */
  readonly extensionMs: number
  /** From here on that counts. */
  readonly sinceMs: number
  /** What was left of those. */
  readonly found: ReadonlyMap<LeaseId, number>
  readonly untilMs: Map<LeaseId, number>
  /** What it said of them in the log and is not known to be committed, in this order. */
  readonly said: Map<LeaseId, number[]>
  /** When it was last seen to lead. */
  lastMs: number
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
  /** Of the latest leader that leads no more. */
  #former: Book | undefined
  readonly #lengthenedMsMax: number

  constructor(lengthenedMsMax = Infinity) {
    this.#lengthenedMsMax = lengthenedMsMax
  }

  recovered(view: MemberView): void {
    this.#close(view)
  }

  /** By the first member to apply the entry. */
  applied(view: MemberView, { entry, applied }: EventOf<'applied'>): void {
    if (applied?.outcome?.ok !== true) return
    const { response } = applied.outcome
    if (response.type === 'lease-grant') {
      const ttlMs = response.ttlSeconds * 1000
      this.#leases.set(response.id, { ttlMs, leftMs: ttlMs, keys: new Set() })
      for (const { said } of this.#books.values()) said.delete(response.id)
    }
    if (response.type === 'lease-checkpoint') this.#committed(response.checkpoints, entry.term)
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
    const book: Book = {
      term: view.ledTerm,
      extensionMs,
      sinceMs: atMs + extensionMs,
      found: new Map([...this.#leases].map(([id, { leftMs }]) => [id, leftMs])),
      untilMs: new Map(),
      said: new Map(),
      lastMs: atMs,
      asked: new Map(),
    }
    this.#books.set(view, book)
    if (this.#lengthenedMsMax < Infinity) this.#checkLengthened(view, book)
  }

  givenUp(view: MemberView): void {
    this.#close(view)
  }

  turned(view: MemberView, atMs: number): void {
    const book = this.#books.get(view)
    if (book !== undefined) book.lastMs = atMs
  }

  /** This leader says in the log how much is left. */
  checkpointed(view: MemberView, { atMs, checkpoints }: EventOf<'leases-checkpointed'>): void {
    const book = this.#books.get(view)
    if (book === undefined) fail('R21', `${view.name} tells what is left of leases and does not lead`)
    for (const { id, remainingMs } of checkpoints) {
      const known = this.#leases.get(id)
      if (known === undefined) continue
      const leftMs = Math.min(known.ttlMs, this.#untilMs(book, id, known) - atMs)
      if (remainingMs + TOLERANCE_MS < leftMs) {
        fail('R21', `${view.name} says that ${remainingMs} ms are left of lease ${id}, it is ${Math.floor(leftMs)} ms`)
      }
      const said = book.said.get(id)
      if (said === undefined) book.said.set(id, [remainingMs])
      else said.push(remainingMs)
    }
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
    // Whatever of it survives, the next leader must not give the lease less.
    for (const leftMs of [known?.leftMs ?? ttlMs, ...(book.said.get(lease) ?? [])]) {
      if (leftMs + book.extensionMs + TOLERANCE_MS >= remainingMs) continue
      fail(
        'R21',
        `${view.name} tells that lease ${lease} lives for ${remainingMs} ms, ` +
          `whoever leads next may find that ${leftMs} ms are left of it`,
      )
    }
    book.untilMs.set(lease, Math.max(book.untilMs.get(lease) ?? 0, atMs + remainingMs))
  }

  expired(view: MemberView, { atMs, leases }: EventOf<'leases-expired'>): void {
    const book = this.#books.get(view)
    if (book === undefined) fail('R21', `${view.name} ends leases and does not lead`)
    for (const id of leases) {
      const known = this.#leases.get(id)
      const untilMs = known === undefined ? (book.untilMs.get(id) ?? 0) : this.#untilMs(book, id, known)
      if (atMs + TOLERANCE_MS < untilMs) {
        fail('R21', `${view.name} ends lease ${id} ${Math.ceil(untilMs - atMs)} ms before its time has passed`)
      }
      this.#expiredIn.set(id, Math.max(this.#expiredIn.get(id) ?? 0, book.term))
    }
  }

  /** Until when a lease lives at least: as this leader granted or renewed it, or as it found it when it began to lead. */
  #untilMs({ untilMs, sinceMs, found }: Book, id: LeaseId, { ttlMs }: Lease): number {
    return untilMs.get(id) ?? sinceMs + (found.get(id) ?? ttlMs)
  }

  #close(view: MemberView): void {
    const book = this.#books.get(view)
    if (book === undefined) return
    this.#books.delete(view)
    if (book.term > (this.#former?.term ?? 0)) this.#former = book
  }

  #committed(checkpoints: readonly LeaseCheckpoint[], term: Term): void {
    for (const { id, remainingMs } of checkpoints) {
      const known = this.#leases.get(id)
      if (known !== undefined) known.leftMs = Math.min(remainingMs, known.ttlMs)
      for (const book of this.#books.values()) if (book.term === term) book.said.get(id)?.shift()
    }
  }

  /** Against the leader before, as far as that knew the lease. */
  #checkLengthened(view: MemberView, { term, found }: Book): void {
    const others = [...this.#books.values(), ...(this.#former === undefined ? [] : [this.#former])]
    const before = others.filter((book) => book.term < term).sort((a, b) => b.term - a.term)[0]
    if (before === undefined) return
    for (const [id, leftMs] of found) {
      const known = this.#leases.get(id)
      if (known === undefined || !(before.untilMs.has(id) || before.found.has(id))) continue
      const wasLeftMs = Math.max(0, this.#untilMs(before, id, known) - before.lastMs)
      const lengthenedMs = leftMs - wasLeftMs
      if (lengthenedMs <= Math.min(known.ttlMs, this.#lengthenedMsMax)) continue
      fail('R21', `${view.name} comes to lead and lengthens lease ${id} by ${Math.ceil(lengthenedMs)} ms`)
    }
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

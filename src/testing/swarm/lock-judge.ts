/**
 * R25: what a lock promises its holder and everybody else.
 *
 *     token 7   held ──────────────────── signal aborts ── (next one may hold)
 *     token 9                                                held ── writes ──►  after this no write of 7
 *
 * Always: the signal of a holder has aborted before the next one holds, unless something disturbs its sense of time: then
 * nothing can abort it in time, and only the guard is left. Always: what is written under the guard is written in the
 * order of the tokens, disturbed or not, and whether or not the writer was told that it was.
 */
import type { SimProcess } from '../sim/scheduler.js'
import { RunFailure } from './failure.js'
import type { Change } from './ledger.js'
import type { Operation } from './operation.js'
import { guardedKey } from './perform.js'
import type { HoldBegun } from './performing.js'

/** Of a hold, for who judges it. */
export interface Holder extends HoldBegun {
  /** The operation that took the lock. */
  readonly id: number
  readonly member: string
  readonly process: Pick<SimProcess, 'alive'>
  /** When the operation began. */
  readonly sinceMs: number
}

export class LockJudge {
  /** Whether timers of the member fired when they were due, from `sinceMs` on. */
  readonly #steadySince: (member: string, sinceMs: number) => boolean
  /** Those who may hold: by the number of the operation. */
  readonly #holders = new Map<number, Holder>()
  /** Of every operation that ever held. */
  readonly #tokens = new Map<number, number>()
  /** The largest token under which each key was written. */
  readonly #written = new Map<string, { readonly id: number; readonly token: number; readonly revision: number }>()

  constructor(steadySince: (member: string, sinceMs: number) => boolean) {
    this.#steadySince = steadySince
  }

  held(next: Holder): void {
    this.#tokens.set(next.id, next.token)
    for (const before of this.#holders.values()) {
      if (!before.process.alive) this.#holders.delete(before.id)
      else if (before.name === next.name) this.#checkSignal(before, next)
    }
    this.#holders.set(next.id, next)
  }

  /** The operation is over: it has given the lock back, or tried to. */
  ended({ id }: Pick<Operation, 'id'>): void {
    this.#holders.delete(id)
  }

  /** What the first member to apply it changed. */
  applied({ revision, event: { type, keyValue } }: Change): void {
    if (type !== 'put' || !keyValue.key.startsWith(GUARDED)) return
    const id = Number(/^v(\d+)\./.exec(Buffer.from(keyValue.value).toString('latin1'))?.[1])
    const token = this.#tokens.get(id)
    // Of a plan, only its locks write there, and each is told of its hold before it writes.
    if (token === undefined) return
    const before = this.#written.get(keyValue.key)
    if (before === undefined || before.token <= token) {
      this.#written.set(keyValue.key, { id, token, revision })
      return
    }
    fail(
      `v${id} wrote ${keyValue.key} under the guard of token ${token} at revision ${revision}, after v${before.id} had with ` +
        `token ${before.token} at ${before.revision}: the lock had another holder by then`,
    )
  }

  #checkSignal(before: Holder, next: Holder): void {
    if (before.signal.aborted || !this.#steadySince(before.member, before.sinceMs)) return
    fail(
      `v${next.id} on ${next.member} holds ${next.name} with token ${next.token}, and the signal of v${before.id} on ` +
        `${before.member}, which held it with token ${before.token}, has not aborted, though its process runs`,
    )
  }
}

const GUARDED = guardedKey('')

function fail(message: string): never {
  throw new RunFailure('invariant', `R25 violated: ${message}`)
}

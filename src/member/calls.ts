/**
 * Questions to the leader, asked from any member: what only the leader knows, the time that leases have left.
 *
 * Those that come in one turn of the loop are asked together, in one frame.
 *
 * All of them may be asked twice without harm, so a question that finds no answer is asked again, of whoever leads then,
 * until the caller's deadline.
 */
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { randomId, type Random } from '../base/random.js'
import type { Identity } from '../machine/identity.js'
import type { CallLimits, Deadlines, Pending } from './deadlines.js'
import type { EndCode } from './lifetime.js'
import type { Call, CallRequest, CallResponse } from './wire/call-codec.js'

interface Question {
  readonly identity: Identity
  readonly request: CallRequest
  readonly pending: Pending<CallResponse>
  askedMs: number
  /** Whether it ever left: from then on giving up means "unknown". */
  left: boolean
}

export class Calls {
  readonly #deadlines: Deadlines
  /** To be asked in the next turn. */
  readonly #unasked = new Set<Question>()
  /** By the id of their last try; each try has a fresh one, so that a late answer to an earlier one is not taken for its. */
  readonly #asked = new Map<number, Question>()
  /** Starts at random: an answer to a question of an earlier life of this member must not be taken for one of this. */
  #lastId: number

  constructor(deadlines: Deadlines, random: Random) {
    this.#deadlines = deadlines
    this.#lastId = randomId(random)
  }

  ask(request: CallRequest, identity: Identity, limits: CallLimits): Promise<CallResponse> {
    const { waiting } = this
    if (waiting >= LIMITS.pendingReadsMax) {
      throw new StoreError('TOO_MANY_REQUESTS', `${waiting} calls wait on this member, the limit`)
    }
    // Undefined while `wait` refuses a call whose signal is aborted already.
    let question: Question | undefined = undefined
    const pending = this.#deadlines.wait<CallResponse>(limits, (code, cause) => {
      const why = code === 'TIMEOUT' ? TIMED_OUT : 'The call was aborted.'
      return new StoreError(code, why, { cause, outcome: outcomeOf(question) })
    })
    question = { identity, request, pending, askedMs: 0, left: false }
    if (!pending.settled) this.#unasked.add(question)
    return pending.promise
  }

  get hasWaiting(): boolean {
    return this.waiting > 0
  }

  /** Questions in this table. */
  get waiting(): number {
    return this.#unasked.size + this.#asked.size
  }

  /** Asks what was not asked yet, some together; `send` returns false where it could not. */
  submit(nowMs: number, send: (calls: readonly Call[]) => boolean): void {
    // Those that were given up leave in any case: they must not count as waiting for as long as there is no leader.
    for (const question of this.#unasked) if (question.pending.settled) this.#unasked.delete(question)
    const unasked = [...this.#unasked]
    for (let at = 0; at < unasked.length; at += LIMITS.callBatchMax) {
      const batch = unasked.slice(at, at + LIMITS.callBatchMax)
      const firstId = this.#lastId + 1
      this.#lastId += batch.length
      if (!send(batch.map(({ identity, request }, nth) => ({ id: firstId + nth, identity, request })))) return
      batch.forEach((question, nth) => {
        question.askedMs = nowMs
        question.left = true
        this.#unasked.delete(question)
        this.#asked.set(firstId + nth, question)
      })
    }
  }

  answered(id: number, response: CallResponse): void {
    const question = this.#asked.get(id)
    if (question === undefined) return
    // Only "not the leader" is answered with this code: whoever leads is asked once that is known, or when it is time to
    // ask again. At once would be the same member, as fast as the network carries it.
    if (response.type === 'refused' && response.code === 'NO_LEADER') return
    this.#asked.delete(id)
    question.pending.resolve(response)
  }

  /** What was asked at or before `askedBeforeMs` is taken for lost and asked again; with Infinity, everything. */
  askAgain(askedBeforeMs: number): void {
    for (const [id, question] of this.#asked) {
      if (question.askedMs > askedBeforeMs) continue
      this.#asked.delete(id)
      if (!question.pending.settled) this.#unasked.add(question)
    }
  }

  rejectAll(code: EndCode, why: string, cause?: unknown): void {
    const questions = [...this.#unasked, ...this.#asked.values()]
    this.#unasked.clear()
    this.#asked.clear()
    for (const question of questions) {
      question.pending.reject(new StoreError(code, why, { cause, outcome: outcomeOf(question) }))
    }
  }
}

const TIMED_OUT = 'No leader answered before the deadline; check that a majority of members run and reach each other.'

function outcomeOf(question: Question | undefined): 'refused' | 'unknown' {
  return question?.left === true ? 'unknown' : 'refused'
}

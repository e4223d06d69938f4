/**
 * The writes of this member that wait for their outcome, and the way each takes to the leader.
 *
 * Always: a proposal keeps its id however often it is sent; the machine applies it at most once (machine/origins.ts), so
 * it is simply sent again when the leader changes or no outcome comes, less and less often: copies that come faster than
 * the way to the leader carries them would pile up there, and hold up everything behind them.
 * Always: whoever waits is told `refused` only while no copy ever left this table, and none leaves it afterwards.
 * Always: who waits for a write that was applied is told so, whatever becomes of the reading of its answer.
 * Always: the oldest that waits and the newest are closer together than the machine's window, or new ones are refused:
 * a proposal that somebody waits for cannot fall out of it.
 */
import { assert } from '../base/assert.js'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { encodeCommand } from '../machine/command-codec.js'
import type { Origin, ProposalId, Request } from '../machine/command.js'
import { MEMBER, type Identity } from '../machine/identity.js'
import type { Applied, Outcome, Response } from '../machine/outcome.js'
import type { CallLimits, Deadlines, Pending } from './deadlines.js'
import type { Observe } from './event.js'
import type { EndCode } from './lifetime.js'
import { doneButUnanswered, type CompleteResponse, type ResponseReader } from './response-reader.js'
import type { Telemeter } from './telemeter.js'

/** What a proposer gets: the result, and the revision of the store after it. */
export interface Proposed {
  readonly response: CompleteResponse
  readonly revision: number
}

/** How often the time after which a proposal is sent again doubles: from half an election timeout to eight of them. */
const DOUBLINGS_MAX = 4

interface Proposal {
  readonly sequence: number
  readonly bytes: Uint8Array
  readonly pending: Pending<Proposed>
  /** When it was last handed to Raft or to the leader; undefined while it waits in this table only. */
  sentMs: number | undefined
  /** How often it was sent to this leader because no outcome came. */
  repeats: number
  /** Whether any copy ever left: from then on giving up means "unknown". */
  left: boolean
}

/** Who is told; default: nobody. */
export interface ProposalsListeners {
  readonly observe?: Observe | undefined
  readonly telemeter?: Telemeter | undefined
}

export class Proposals {
  readonly #origin: Origin
  readonly #deadlines: Deadlines
  readonly #responses: ResponseReader
  readonly #observe: Observe | undefined
  readonly #telemeter: Telemeter | undefined
  /** In the order of their sequence. */
  readonly #waiting = new Map<number, Proposal>()
  /** Those that were applied and whose answer is being read, with the revision of the store after them. */
  readonly #answering = new Map<number, { readonly pending: Pending<Proposed>; readonly revision: number }>()
  /** Those to be sent in the next turn, oldest first. */
  #unsent: Proposal[] = []
  #bytes = 0
  #sequence = 0
  /** No proposal before this one waits. */
  #oldest = 1

  constructor(origin: Origin, deadlines: Deadlines, responses: ResponseReader, told: ProposalsListeners = {}) {
    this.#observe = told.observe
    this.#telemeter = told.telemeter
    this.#origin = origin
    this.#deadlines = deadlines
    this.#responses = responses
  }

  propose(request: Request, identity: Identity, limits: CallLimits): Promise<Proposed> {
    this.#checkRoom()
    const sequence = this.#sequence + 1
    const bytes = this.#encode(request, identity, sequence)
    this.#sequence = sequence
    const pending = this.#deadlines.wait<Proposed>(limits, (code, cause) => this.#giveUp(sequence, code, cause))
    if (pending.settled) return pending.promise
    const proposal: Proposal = { sequence, bytes, pending, sentMs: undefined, repeats: 0, left: false }
    this.#waiting.set(sequence, proposal)
    this.#bytes += bytes.byteLength
    this.#unsent.push(proposal)
    return pending.promise
  }

  /**
   * A command of the member's own that is handed to Raft once and never again, with nobody waiting. For what holds only while this member
   * leads: a lease's expiry sent again under the next leader could end a lease that was renewed there.
   */
  encodeOnce(request: Request): Uint8Array {
    this.#sequence++
    return this.#encode(request, MEMBER, this.#sequence)
  }

  get hasWaiting(): boolean {
    return this.#waiting.size > 0
  }

  /** Whether {@link submit} has anything to look at. */
  get hasUnsent(): boolean {
    return this.#unsent.length > 0
  }

  get waiting(): number {
    return this.#waiting.size
  }

  get waitingBytes(): number {
    return this.#bytes
  }

  /**
   * Hands what is unsent to `send`, in batches of at most `batchBytesMax`, until it returns false: then the rest waits
   * for the next turn.
   */
  submit(nowMs: number, batchBytesMax: number, send: (commands: readonly Uint8Array[]) => boolean): void {
    let next = 0
    while (next < this.#unsent.length) {
      const batch: Proposal[] = []
      let bytes = 0
      let end = next
      for (; end < this.#unsent.length; end++) {
        const proposal = this.#unsent[end] as Proposal
        if (proposal.pending.settled) continue
        if (batch.length > 0 && bytes + proposal.bytes.byteLength > batchBytesMax) break
        batch.push(proposal)
        bytes += proposal.bytes.byteLength
      }
      if (batch.length > 0) {
        // Marked before it is handed over: a failure in the middle must not be told as "refused".
        const before = batch.map((proposal) => proposal.left)
        for (const proposal of batch) proposal.left = true
        if (!send(batch.map((proposal) => proposal.bytes))) {
          batch.forEach((proposal, at) => (proposal.left = before[at] as boolean))
          break
        }
        for (const proposal of batch) proposal.sentMs = nowMs
      }
      next = end
    }
    this.#unsent = this.#unsent.slice(next)
  }

  /** Everything that waits is sent again: the leader it was sent to is not the leader any more. */
  resubmitAll(): void {
    this.#unsent = [...this.#waiting.values()]
    // They count as unsent again, or the next look for silent ones would send them a second time.
    for (const proposal of this.#unsent) {
      proposal.sentMs = undefined
      proposal.repeats = 0
    }
  }

  /**
   * What was sent `silentMs` ago or earlier without an outcome is sent again: it was lost on the way, or the way is slow.
   * Which of the two cannot be seen from here, so it takes twice as long each time.
   */
  resubmitSilent(nowMs: number, silentMs: number): void {
    const silent: Proposal[] = []
    for (const proposal of this.#waiting.values()) {
      if (proposal.sentMs === undefined) continue
      if (nowMs - proposal.sentMs < silentMs * 2 ** proposal.repeats) continue
      proposal.sentMs = undefined
      proposal.repeats = Math.min(proposal.repeats + 1, DOUBLINGS_MAX)
      silent.push(proposal)
    }
    if (silent.length > 0) this.#unsent = [...silent, ...this.#unsent]
  }

  /** An entry was applied here, in this turn and as the last one; if it is of this origin, whoever waits for it is told. */
  settle(applied: Applied): void {
    const { member, incarnation, sequence } = applied.proposal
    if (member !== this.#origin.member || incarnation !== this.#origin.incarnation) return
    const proposal = this.#waiting.get(sequence)
    if (proposal === undefined || applied.outcome === undefined) return
    this.#remove(proposal)
    const { ok } = applied.outcome
    this.#observe?.({ type: 'answered', proposal: applied.proposal, ok, revision: applied.revision })
    if (applied.outcome.ok) {
      this.#answer(proposal, applied.outcome.response, applied.revision)
    } else {
      proposal.pending.reject(refusal(applied.outcome))
    }
  }

  /**
   * The state jumped ahead: what became of those that were settled in between, nobody here will ever hear. The others wait
   * on. `hasSettled`: whether the state knows of a proposal.
   */
  jumped(hasSettled: (proposal: ProposalId) => boolean): void {
    for (const proposal of [...this.#waiting.values()]) {
      if (!hasSettled({ ...this.#origin, sequence: proposal.sequence })) continue
      this.#remove(proposal)
      const message =
        'This member took over the state of another one, which has the write among what came before: whether it was done ' +
        'or refused is not known here; read to find out.'
      proposal.pending.reject(new StoreError('STATE_REPLACED', message, { outcome: 'unknown' }))
    }
  }

  /** Ends all that wait, for the end of the member. */
  rejectAll(code: EndCode, why: string, cause?: unknown): void {
    for (const proposal of [...this.#waiting.values()]) {
      this.#remove(proposal)
      this.#telemeter?.tell?.({ type: 'proposal-failed' })
      proposal.pending.reject(new StoreError(code, why, { outcome: outcomeOf(proposal), cause }))
    }
    this.#unsent = []
    for (const { pending, revision } of [...this.#answering.values()]) {
      pending.reject(doneButUnanswered(code, revision, `its answer was not read: ${why}`, cause))
    }
  }

  #answer({ sequence, pending }: Proposal, response: Response, revision: number): void {
    this.#responses.answer(response, revision, pending, (complete) => ({ response: complete, revision }))
    if (pending.settled) return
    this.#answering.set(sequence, { pending, revision })
    const leave = (): void => {
      this.#answering.delete(sequence)
    }
    pending.promise.then(leave, leave)
  }

  #encode(request: Request, identity: Identity, sequence: number): Uint8Array {
    const bytes = encodeCommand({ proposal: { ...this.#origin, sequence }, identity, request })
    if (bytes.byteLength > LIMITS.requestBytesMax) {
      throw new StoreError(
        'REQUEST_TOO_LARGE',
        `the request takes ${bytes.byteLength} bytes, the limit is ${LIMITS.requestBytesMax}`,
      )
    }
    return bytes
  }

  #checkRoom(): void {
    const span = this.#sequence + 1 - this.#oldestWaiting()
    if (span >= LIMITS.pendingProposalsMax || this.#bytes >= LIMITS.pendingProposalBytesMax) {
      throw new StoreError(
        'TOO_MANY_REQUESTS',
        `${this.#waiting.size} writes of ${this.#bytes} bytes wait on this member ` +
          `(limits: ${LIMITS.pendingProposalsMax} writes, ${LIMITS.pendingProposalBytesMax} bytes); ` +
          'wait for some of them before you make more',
      )
    }
  }

  /** Asking the map for its first key would pass over every key deleted before it. */
  #oldestWaiting(): number {
    while (this.#oldest <= this.#sequence && !this.#waiting.has(this.#oldest)) this.#oldest++
    return this.#oldest
  }

  #remove(proposal: Proposal): void {
    if (this.#waiting.delete(proposal.sequence)) this.#bytes -= proposal.bytes.byteLength
    assert(this.#bytes >= 0, 'bytes of waiting proposals below 0')
  }

  #giveUp(sequence: number, code: 'TIMEOUT' | 'ABORTED', cause: unknown): StoreError {
    const done = this.#answering.get(sequence)
    if (done !== undefined) {
      const why = code === 'TIMEOUT' ? 'the deadline passed' : 'the call was aborted'
      return doneButUnanswered(code, done.revision, `${why} before its answer was read`, cause)
    }
    const proposal = this.#waiting.get(sequence)
    if (proposal !== undefined) this.#remove(proposal)
    this.#telemeter?.tell?.({ type: 'proposal-failed' })
    const outcome = proposal === undefined ? 'refused' : outcomeOf(proposal)
    const why = code === 'TIMEOUT' ? 'The deadline passed' : 'The call was aborted'
    const what =
      outcome === 'refused'
        ? 'before a leader was found to send the write to; it has no effect.'
        : 'while the write was on its way: it may or may not take effect (read to find out).'
    return new StoreError(code, `${why} ${what}`, { outcome, cause })
  }
}

function outcomeOf(proposal: Proposal): 'refused' | 'unknown' {
  return proposal.left ? 'unknown' : 'refused'
}

function refusal(outcome: Extract<Outcome, { ok: false }>): StoreError {
  const { code, message, compactRevision } = outcome
  return new StoreError(code, message, compactRevision === undefined ? {} : { compactRevision })
}

/**
 * Linearizable reads: who wants to read waits here until this member may answer (thesis 6.4).
 *
 * Always: a confirmation counts only for those who waited before it was asked for. So one request is under way at a time,
 * and who comes meanwhile goes with the next; a thousand readers cost what one costs.
 * Always: each try has a fresh id. With a reused one, the late answer to an earlier try would let a read that came
 * after it see an older state (etcd #20418).
 */
import { NEVER, type Buggify } from '../base/buggify.js'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { ReadState } from '../raft/ready.js'
import type { CallLimits, Deadlines, Pending } from './deadlines.js'
import type { EndCode } from './lifetime.js'
import type { Telemeter } from './telemeter.js'

interface Asked {
  readonly requestId: number
  readonly askedMs: number
  readonly readers: readonly Pending<void>[]
}

interface Confirmed {
  readonly index: number
  readonly readers: readonly Pending<void>[]
}

export interface ReadsOptions {
  /** Default: nobody listens. */
  readonly telemeter?: Telemeter | undefined
  readonly buggify?: Buggify | undefined
}

/** Rounds that may wait for the state before those that everybody has left are cleared away. */
const CONFIRMED_ROUNDS_MAX = 64

export class Reads {
  readonly #deadlines: Deadlines
  readonly #buggify: Buggify
  readonly #telemeter: Telemeter | undefined
  #waiting: Pending<void>[] = []
  #asked: Asked | undefined
  /** Confirmed, waiting for the state to reach their index; indexes do not fall. */
  #confirmed: Confirmed[] = []
  #requestId = 0
  #count = 0
  #appliedIndex = 0

  constructor(deadlines: Deadlines, { telemeter, buggify = NEVER }: ReadsOptions = {}) {
    this.#deadlines = deadlines
    this.#telemeter = telemeter
    this.#buggify = buggify
  }

  /** Resolves when the state of this member holds everything that was acknowledged anywhere before the call. */
  confirm(limits: CallLimits): Promise<void> {
    if (this.#count >= LIMITS.pendingReadsMax) {
      throw new StoreError('TOO_MANY_REQUESTS', `${this.#count} reads wait on this member, the limit`)
    }
    this.#count++
    const reader: Pending<void> = this.#deadlines.wait<void>(limits, (code, cause) => {
      if (code === 'TIMEOUT') this.#telemeter?.tell?.({ type: 'read-index-failed' })
      return new StoreError(code, code === 'TIMEOUT' ? this.#whyLate() : 'The read was aborted.', { cause })
    })
    this.#waiting.push(reader)
    const leave = (): void => {
      this.#count--
    }
    reader.promise.then(leave, leave)
    return reader.promise
  }

  get hasWaiting(): boolean {
    return this.#waiting.length > 0 || this.#asked !== undefined
  }

  /** Reads that were neither answered nor given up. */
  get waiting(): number {
    return this.#count
  }

  /** Asks for those who wait, unless a request is under way; `ask` returns false where no leader is known. */
  submit(nowMs: number, ask: (requestId: number) => boolean): void {
    if (this.#asked !== undefined || this.#waiting.length === 0) return
    this.#waiting = this.#waiting.filter((reader) => !reader.settled)
    if (this.#waiting.length === 0) return
    this.#requestId++
    if (!ask(this.#requestId)) return
    const readers = this.#buggify('read-alone') ? this.#waiting.slice(0, 1) : this.#waiting
    this.#asked = { requestId: this.#requestId, askedMs: nowMs, readers }
    this.#waiting = this.#waiting.slice(readers.length)
  }

  confirmed(read: ReadState): void {
    if (this.#asked?.requestId !== read.requestId) return
    // Where the state does not move, those who wait for it give up one after the other, and nobody else takes them out.
    if (this.#confirmed.length >= CONFIRMED_ROUNDS_MAX) {
      this.#confirmed = this.#confirmed.filter(({ readers }) => readers.some((reader) => !reader.settled))
    }
    this.#confirmed.push({ index: read.index, readers: this.#asked.readers })
    this.#asked = undefined
  }

  /** The request will not be answered: its readers wait for the next one. */
  dropped(requestId: number): void {
    if (this.#asked?.requestId !== requestId) return
    this.#telemeter?.tell?.({ type: 'read-index-failed' })
    this.#askAgain()
  }

  /** A request asked before `askedBeforeMs` is taken for lost. */
  retrySilent(askedBeforeMs: number): void {
    if (this.#asked === undefined || this.#asked.askedMs > askedBeforeMs) return
    this.#telemeter?.tell?.({ type: 'read-index-late' })
    this.#askAgain()
  }

  /** The state has reached `appliedIndex`. */
  applied(appliedIndex: number): void {
    this.#appliedIndex = appliedIndex
    let ready = 0
    for (const { index, readers } of this.#confirmed) {
      if (index > appliedIndex) break
      for (const reader of readers) reader.resolve()
      ready++
    }
    if (ready > 0) this.#confirmed = this.#confirmed.slice(ready)
  }

  rejectAll(code: EndCode, why: string, cause?: unknown): void {
    const groups = [this.#waiting, this.#asked?.readers ?? [], ...this.#confirmed.map(({ readers }) => readers)]
    this.#waiting = []
    this.#asked = undefined
    this.#confirmed = []
    for (const readers of groups) for (const reader of readers) reader.reject(new StoreError(code, why, { cause }))
  }

  /** A member that lags is in another trouble than one without a leader, and needs other help. */
  #whyLate(): string {
    const next = this.#confirmed.find(({ readers }) => readers.some((reader) => !reader.settled))
    if (next === undefined) {
      return 'No quorum confirmed a leader before the deadline; check that a majority of members run and reach each other.'
    }
    return (
      `This member has applied the log up to ${this.#appliedIndex} and must reach ${next.index} to answer: it is catching up, or ` +
      'it was away for longer than the others keep their log (logRetainBytes).'
    )
  }

  #askAgain(): void {
    this.#waiting = [...(this.#asked?.readers ?? []), ...this.#waiting]
    this.#asked = undefined
  }
}

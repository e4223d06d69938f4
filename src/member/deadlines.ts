/**
 * Waiting with an end: every call that waits does it as a {@link Pending}, which ends at its deadline or with its signal.
 *
 * One timer serves all deadlines: a timer for each call would cost more than the call. When it fires, all that wait are
 * looked at; they are bounded (limits.ts), and most calls share one time-out, so that this is rare.
 */
import type { Cancel, Clock, Timers } from '../base/clock.js'
import type { StoreError } from '../base/errors.js'
import { AbortSignals } from '../base/abort-signals.js'

/** How long a call may wait. */
export interface CallLimits {
  /** By the monotonic clock. */
  readonly deadlineMs: number
  readonly signal?: AbortSignal | undefined
}

/** Why a call was given up: the error's code and its words. */
export type GiveUp = (code: 'TIMEOUT' | 'ABORTED', cause: unknown) => StoreError

/** One call that waits. The first of resolve, reject, deadline and signal decides; what comes later is ignored. */
export class Pending<T> {
  readonly promise: Promise<T>
  readonly deadlineMs: number
  readonly #room: Deadlines
  readonly #giveUp: GiveUp
  readonly #signal: AbortSignal | undefined
  readonly #stopListening: Cancel | undefined
  #resolve!: (value: T) => void
  #reject!: (error: Error) => void
  #settled = false

  /** @internal made by {@link Deadlines.wait} */
  constructor(room: Deadlines, signals: AbortSignals, limits: CallLimits, giveUp: GiveUp) {
    this.promise = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#room = room
    this.deadlineMs = limits.deadlineMs
    this.#giveUp = giveUp
    this.#signal = limits.signal
    this.#stopListening = this.#signal && signals.onAbort(this.#signal, this.#onAbort)
  }

  get settled(): boolean {
    return this.#settled
  }

  resolve(value: T): void {
    if (this.#finish()) this.#resolve(value)
  }

  reject(error: Error): void {
    if (this.#finish()) this.#reject(error)
  }

  /** @internal */
  expire(): void {
    this.reject(this.#giveUp('TIMEOUT', undefined))
  }

  readonly #onAbort = (): void => {
    this.reject(this.#giveUp('ABORTED', this.#signal?.reason))
  }

  #finish(): boolean {
    if (this.#settled) return false
    this.#settled = true
    this.#stopListening?.()
    this.#room.left(this as Pending<unknown>)
    return true
  }
}

export class Deadlines {
  readonly #clock: Clock
  readonly #timers: Timers
  readonly #signals = new AbortSignals()
  readonly #waiting = new Set<Pending<unknown>>()
  #armedForMs = Infinity
  #cancel: Cancel | undefined

  constructor(clock: Clock, timers: Timers) {
    this.#clock = clock
    this.#timers = timers
  }

  wait<T>(limits: CallLimits, giveUp: GiveUp): Pending<T> {
    const pending = new Pending<T>(this, this.#signals, limits, giveUp)
    if (limits.signal?.aborted === true) {
      pending.reject(giveUp('ABORTED', limits.signal.reason))
      return pending
    }
    // At once, not when the timer comes round: without any time left nothing may still be done.
    if (limits.deadlineMs <= this.#clock.monotonicMs()) {
      pending.expire()
      return pending
    }
    this.#waiting.add(pending as Pending<unknown>)
    if (limits.deadlineMs < this.#armedForMs) this.#arm(limits.deadlineMs)
    return pending
  }

  /** Settles as `work` does, or rejects with what `giveUp` says when `limits` end; what becomes of the work is nobody's affair then. */
  within<T>(work: Promise<T>, limits: CallLimits, giveUp: GiveUp): Promise<T> {
    const pending = this.wait<T>(limits, giveUp)
    work.then(
      (result) => {
        pending.resolve(result)
      },
      (error: unknown) => {
        pending.reject(error as Error)
      },
    )
    return pending.promise
  }

  /** @internal */
  left(pending: Pending<unknown>): void {
    this.#waiting.delete(pending)
    if (this.#waiting.size === 0) this.#disarm()
  }

  #arm(atMs: number): void {
    this.#disarm()
    this.#armedForMs = atMs
    if (atMs !== Infinity) {
      this.#cancel = this.#timers.after(Math.max(0, atMs - this.#clock.monotonicMs()), this.#onTimer)
    }
  }

  #disarm(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#armedForMs = Infinity
  }

  readonly #onTimer = (): void => {
    const nowMs = this.#clock.monotonicMs()
    let nextMs = Infinity
    for (const pending of [...this.#waiting]) {
      if (pending.deadlineMs <= nowMs) pending.expire()
      else nextMs = Math.min(nextMs, pending.deadlineMs)
    }
    this.#arm(nextMs)
  }
}

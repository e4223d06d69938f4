/**
 * Waiting with an end: how long one call of a recipe, made of many calls of the store, may take.
 *
 * Always: when it is over, the call rejects with the reason it is over for, and not with what the store happened to say
 * when it was interrupted: `ABORTED` for the caller's signal, `TIMEOUT` for the time-out, `LOCK_LOST` for the session.
 * Always: who waits for somebody goes on while the store has no quorum. Who only tries or looks does not: without a time-out
 * of its own each step has the store's deadline, once, and what the store rejects with then is the reason it is over for.
 */
import { checkSignal, checkTimeout } from '../api/check-call.js'
import type { Environment } from '../base/clock.js'
import { isStoreError, StoreError } from '../base/errors.js'
import { isForOperators } from './failures.js'
import { allowManyListeners } from './many-listeners.js'

export interface WaitOptions {
  /** Gives up waiting with `ABORTED`. Once the call has resolved it has no effect any more. */
  readonly signal?: AbortSignal | undefined
  /**
   * Milliseconds after which waiting is given up with `TIMEOUT`. Default: none, it waits as long as it takes. A call that only
   * tries makes each of its steps once then, within the deadline of the store.
   */
  readonly timeoutMs?: number | undefined
}

/** Milliseconds before a failed call is made again: what is refused at once, for want of a leader, must not spin. */
export const RETRY_MS = 100

/** Milliseconds before a call is made again that an operator must do something for. */
export const OPERATORS_MS = 1_000

export class Patience {
  readonly #environment: Environment
  readonly #controller = new AbortController()
  readonly #stops: (() => void)[] = []
  readonly #hasTimeout: boolean
  #triesOnce = false

  constructor(environment: Environment, options: WaitOptions) {
    const { signal, timeoutMs } = options
    checkTimeout(timeoutMs)
    checkSignal(signal)
    this.#environment = environment
    this.#hasTimeout = timeoutMs !== undefined
    if (timeoutMs !== undefined) this.#endAfter(timeoutMs)
    if (signal !== undefined) {
      allowManyListeners(signal)
      this.#follow(signal, () => new StoreError('ABORTED', 'waiting was aborted', { cause: signal.reason }))
    }
  }

  /** Aborted, with the reason, when it is over. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** It is over when `signal` aborts, too, and for the same reason. */
  endWith(signal: AbortSignal): void {
    this.#follow(signal, () => signal.reason)
  }

  /** For a call that waits for nobody: it makes each call of the store once, unless it was told for how long to go on. */
  tryOnce(): void {
    this.#triesOnce = !this.#hasTimeout
  }

  /** Makes a call that may be made twice without harm, again and again while it fails for a reason that may pass. */
  async insist<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    for (;;) {
      this.signal.throwIfAborted()
      try {
        const result = await call(this.signal)
        this.signal.throwIfAborted()
        return result
      } catch (error) {
        this.signal.throwIfAborted()
        if (!isStoreError(error) || !error.retryable) throw error
        await this.failed(error)
      }
    }
  }

  /** Like {@link insist}, and while there is something for operators to do, which the log is told as `heldUp`. */
  async insistThroughout<T>(heldUp: string, call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await this.insist(call)
      } catch (error) {
        this.signal.throwIfAborted()
        if (!isForOperators(error)) throw error
        this.#environment.logger.warn(heldUp, { reason: String(error) })
      }
      await this.pause(OPERATORS_MS)
    }
  }

  /** After a call that failed for a reason that may pass: pauses before it is made again, unless it is over with that. */
  async failed(error: StoreError): Promise<void> {
    if (this.#triesOnce) this.#over(error)
    await this.pause(RETRY_MS)
  }

  /** What `promise` comes to, unless it is over before. */
  within<T>(promise: Promise<T>): Promise<T> {
    return unlessAborted(promise, this.signal)
  }

  /** Resolves after `ms`, or when it is over before. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.signal.aborted) {
        resolve()
        return
      }
      const goOn = (): void => {
        cancel()
        this.signal.removeEventListener('abort', goOn)
        resolve()
      }
      const cancel = this.#environment.timers.after(ms, goOn)
      this.signal.addEventListener('abort', goOn, { once: true })
    })
  }

  /** Waits no more: nothing is left behind on the clock or on anybody's signal. */
  end(): void {
    for (const stop of this.#stops) stop()
    this.#stops.length = 0
  }

  #endAfter(timeoutMs: number): void {
    const { clock, timers } = this.#environment
    const deadlineMs = clock.monotonicMs() + timeoutMs
    let cancel = (): void => undefined
    // Armed again when it fires early: a timer has a longest delay.
    const arm = (): void => {
      const leftMs = deadlineMs - clock.monotonicMs()
      if (leftMs > 0) cancel = timers.after(leftMs, arm)
      else this.#over(new StoreError('TIMEOUT', `waiting was given up after ${timeoutMs} ms`))
    }
    arm()
    this.#stops.push(() => {
      cancel()
    })
  }

  #follow(signal: AbortSignal, reason: () => unknown): void {
    const listener = (): void => {
      this.#over(reason())
    }
    if (signal.aborted) {
      listener()
      return
    }
    signal.addEventListener('abort', listener, { once: true })
    this.#stops.push(() => {
      signal.removeEventListener('abort', listener)
    })
  }

  #over(reason: unknown): void {
    this.#controller.abort(reason)
  }
}

/** What `promise` comes to; rejects with the reason of `signal` when that aborts first, and `promise` goes on unseen. */
export function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const aborted = (): void => {
      reject(signal.reason as Error)
    }
    if (signal.aborted) aborted()
    signal.addEventListener('abort', aborted, { once: true })
    promise.then(resolve, reject).finally(() => {
      signal.removeEventListener('abort', aborted)
    })
  })
}

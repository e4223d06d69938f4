/**
 * Waiting with an end, for what gRPC does not time by itself: until a server is found, and between two tries.
 *
 * Always: signals are listened to once each, however many calls share them.
 */
import { AbortSignals } from '../../base/abort-signals.js'
import type { Cancel, Environment } from '../../base/clock.js'
import { StoreError, type Outcome } from '../../base/errors.js'

/** How long a call may take. */
export interface CallLimits {
  /** By the monotonic clock. */
  readonly deadlineMs: number
  readonly signal?: AbortSignal | undefined
}

/** Why a call was given up. */
export type GiveUp = (code: 'TIMEOUT' | 'ABORTED', cause: unknown) => StoreError

export class Waiting {
  readonly #environment: Pick<Environment, 'clock' | 'timers'>
  readonly #signals = new AbortSignals()

  constructor(environment: Pick<Environment, 'clock' | 'timers'>) {
    this.#environment = environment
  }

  limitsOf(timeoutMs: number, signal: AbortSignal | undefined): CallLimits {
    return { deadlineMs: this.#environment.clock.monotonicMs() + timeoutMs, signal }
  }

  leftMs({ deadlineMs }: CallLimits): number {
    return deadlineMs - this.#environment.clock.monotonicMs()
  }

  /** Throws what `giveUp` says where the limits have ended. */
  check(limits: CallLimits, giveUp: GiveUp): void {
    const { signal } = limits
    if (signal?.aborted === true) throw giveUp('ABORTED', signal.reason)
    if (this.leftMs(limits) <= 0) throw giveUp('TIMEOUT', undefined)
  }

  /** Calls `action` when it aborts; at once where it has. */
  onAbort(signal: AbortSignal | undefined, action: () => void): Cancel {
    if (signal === undefined) return () => undefined
    if (!signal.aborted) return this.#signals.onAbort(signal, action)
    action()
    return () => undefined
  }

  /** Settles as `work` does, or rejects with what `giveUp` says when `limits` end; what becomes of the work is nobody's affair then. */
  async within<T>(work: Promise<T>, limits: CallLimits, giveUp: GiveUp): Promise<T> {
    // Also where it is given up before anybody listens: what is not caught would end the process.
    work.catch(() => undefined)
    this.check(limits, giveUp)
    return new Promise<T>((resolve, reject) => {
      const end = (code: 'TIMEOUT' | 'ABORTED'): void => {
        stop()
        reject(giveUp(code, code === 'ABORTED' ? limits.signal?.reason : undefined))
      }
      const leftMs = this.leftMs(limits)
      const cancel = leftMs === Infinity ? undefined : this.#environment.timers.after(leftMs, () => end('TIMEOUT'))
      const deafen = this.onAbort(limits.signal, () => end('ABORTED'))
      const stop = (): void => {
        cancel?.()
        deafen()
      }
      work.then(resolve, reject).finally(stop)
    })
  }

  /** Resolves after `ms`, or when `signal` aborts before. */
  pause(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve()
        return
      }
      const goOn = (): void => {
        cancel()
        deafen()
        resolve()
      }
      const cancel = this.#environment.timers.after(ms, goOn)
      const deafen = this.onAbort(signal, goOn)
    })
  }
}

/** For calls of which something was said already: `what` ends the sentence "The deadline passed before". */
export function givingUp(what: string, outcome: Outcome = 'refused'): GiveUp {
  return (code, cause) =>
    code === 'ABORTED'
      ? new StoreError('ABORTED', `The signal was aborted before ${what}.`, { cause, outcome })
      : new StoreError('TIMEOUT', `The deadline passed before ${what}.`, { outcome })
}

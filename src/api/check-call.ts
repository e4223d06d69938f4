/** What every call with a deadline or a signal checks first. */
import type { Fields } from './check-fields.js'
import type { CallOptions } from './call-options.js'
import type { Consistency } from './consistency.js'

export const CALL_FIELDS: Fields<CallOptions> = { signal: true, timeoutMs: true }

/** Throws TypeError or RangeError for what is no time to wait; undefined is left to the caller. */
export function checkTimeout(timeoutMs: number | undefined): void {
  if (timeoutMs === undefined) return
  if (typeof timeoutMs !== 'number') throw new TypeError(`timeoutMs must be a number, not ${typeof timeoutMs}`)
  if (!(timeoutMs >= 0)) throw new RangeError(`timeoutMs must be 0 or more milliseconds, not ${timeoutMs}`)
}

/** Throws TypeError for what is none. */
export function checkConsistency(consistency: NonNullable<Consistency['consistency']>): void {
  if (consistency !== 'linearizable' && consistency !== 'local') {
    throw new TypeError(`consistency must be 'linearizable' or 'local', not ${String(consistency)}`)
  }
}

/** Throws TypeError for what is none: a controller given in place of its signal would end nothing. */
export function checkSignal(signal: AbortSignal | undefined): void {
  if (signal === undefined) return
  const { aborted, addEventListener } = (signal ?? {}) as Partial<AbortSignal>
  if (typeof aborted === 'boolean' && typeof addEventListener === 'function') return
  throw new TypeError('signal must be an AbortSignal, as `signal` of an AbortController')
}

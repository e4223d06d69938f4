import type { Buggify } from './buggify.js'
import type { Logger } from './logger.js'
import type { Random } from './random.js'
import type { Secrets } from './secrets.js'
import type { Spans } from './spans.js'

/**
 * Ports of time. Everything that waits or asks the time does it through these two, so that a whole cluster runs on a
 * simulated clock unchanged.
 */

export interface Clock {
  /** Milliseconds since an arbitrary start; never goes back. For every duration and deadline. */
  monotonicMs(): number
  /** Milliseconds since 1970. May jump: for what people read, for how long a signed token counts, and when scheduled jobs are due. Nothing else is decided by it. */
  wallMs(): number
}

/** Stops a timer; calling it again, or after the timer fired, does nothing. */
export type Cancel = () => void

export interface Timers {
  /** Calls `action` once, not earlier than `delayMs` from now. */
  after(delayMs: number, action: () => void): Cancel
  /** Calls `action` once, after the input that is already waiting was handled: how a loop batches a burst. */
  soon(action: () => void): Cancel
}

/** How late an event loop was: the 99th percentile, and the latest. */
export interface LoopLateness {
  readonly p99Ms: number
  readonly maxMs: number
}

/** Measures beside its user how late the event loop is. */
export interface LoopMeter {
  /** Since it was taken last; undefined: there was nothing to see. */
  take(): LoopLateness | undefined
  stop(): void
}

/** What a part needs of its surroundings. */
export interface Environment {
  readonly clock: Clock
  readonly timers: Timers
  readonly random: Random
  readonly logger: Logger
  /** Sends it the rare way now and then: for simulations. Default: never. */
  readonly buggify?: Buggify
  /** Begins to measure the event loop of the process. Default: each member goes by how late a timer of its own is. */
  readonly loopDelay?: () => LoopMeter
  /** Default: the operating system's. */
  readonly secrets?: Secrets
  /** Whom spans are told to. Default: `node:diagnostics_channel`. */
  readonly spans?: Spans
}

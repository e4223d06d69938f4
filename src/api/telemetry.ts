/** What a store tells of what it measures: the part of the contract that metrics are made of. */
import type { Gauges, Listen } from '../base/telemetry.js'

export type { Gauges, Listen, Measurement, Operations } from '../base/telemetry.js'

export interface Telemetry {
  /**
   * Calls `listener` with everything that the member measures from now on, synchronously and in the middle of its work: it
   * should add something up and return. What it throws is logged and dropped. Gives what ends it; ended for good when
   * the store is closed. While nobody listens, nothing is measured.
   *
   * A store elsewhere measures nothing that it could tell: its listeners are never called.
   *
   * Throws `PERMISSION_DENIED` as `status()` does, where the store requires authorization; TypeError for what is no function.
   *
   * @example
   * const stop = store.telemetry.listen((measured) => {
   *   if (measured.type === 'log-written') syncs.observe(measured.durationMs / 1000)
   * })
   */
  listen(listener: Listen): () => void
  /** How things stand at this moment, beside `status()`; undefined of a store elsewhere. Throws as {@link listen}. */
  gauges(): Gauges | undefined
}

/** Of a store that measures nothing. */
export const NO_TELEMETRY: Telemetry = {
  listen: () => () => undefined,
  gauges: () => undefined,
}

/**
 * Where the parts of a member tell what they measure, and who listens there.
 *
 *     telemeter.tell?.({ type: 'log-written', ... })     nothing is built while nobody listens
 *
 * Always: what a listener throws is logged and dropped: who measures harms nobody.
 */
import type { Clock } from '../base/clock.js'
import type { Logger } from '../base/logger.js'
import type { Listen, Measurement } from '../base/telemetry.js'

interface Listener {
  readonly listen: Listen
}

export class Telemeter {
  /** Undefined while nobody listens. */
  tell: Listen | undefined
  readonly #clock: Clock
  readonly #logger: Logger
  /** Each listening is one, also where the same function listens twice. */
  #listeners: readonly Listener[] = []

  constructor(clock: Clock, logger: Logger) {
    this.#clock = clock
    this.#logger = logger
  }

  /** For what is to be timed. */
  nowMs(): number {
    return this.#clock.monotonicMs()
  }

  listen(listen: Listen): () => void {
    const listener = { listen }
    this.#set([...this.#listeners, listener])
    return () => {
      this.#set(this.#listeners.filter((other) => other !== listener))
    }
  }

  /** The member has ended: nothing is told any more. */
  stop(): void {
    this.#set([])
  }

  #set(listeners: readonly Listener[]): void {
    this.#listeners = listeners
    this.tell = listeners.length === 0 ? undefined : this.#tell
  }

  readonly #tell = (measurement: Measurement): void => {
    for (const { listen } of this.#listeners) {
      try {
        // It may be asynchronous, whatever its type says.
        const told: unknown = listen(measurement)
        if (told !== undefined) Promise.resolve(told).catch(this.#dropped)
      } catch (error) {
        this.#dropped(error)
      }
    }
  }

  readonly #dropped = (error: unknown): void => {
    const reason = error instanceof Error ? error.message : String(error)
    this.#logger.error('a listener of the telemetry threw', { reason })
  }
}

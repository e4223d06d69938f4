/**
 * Says in the log why callers were refused, without letting them fill it: for each kind of reason one line, then no more
 * for a while, and with the next line how many there were in between.
 */
import type { Environment } from '../base/clock.js'
import type { LogFields } from '../base/logger.js'

const QUIET_MS = 10_000

export class RefusalLog {
  readonly #environment: Pick<Environment, 'clock' | 'logger'>
  /** By kind of reason; the kinds are ours, so that callers cannot make it grow. */
  readonly #kinds = new Map<string, { loggedAtMs: number; unlogged: number }>()

  constructor(environment: Pick<Environment, 'clock' | 'logger'>) {
    this.#environment = environment
  }

  add(kind: string, fields: LogFields): void {
    const nowMs = this.#environment.clock.monotonicMs()
    const known = this.#kinds.get(kind)
    if (known !== undefined && nowMs - known.loggedAtMs < QUIET_MS) {
      known.unlogged++
      return
    }
    this.#environment.logger.warn('refused an inbound connection', { ...fields, more: known?.unlogged ?? 0 })
    this.#kinds.set(kind, { loggedAtMs: nowMs, unlogged: 0 })
  }
}

/**
 * The checks behind probes, by etcd's names: each passes, or says in a few words why not. Besides what the status tells they
 * make reads, as a user would.
 *
 * Always: however many ask at once, one read of a kind is under way, and all of them get its answer; it ends in time.
 * Always: what is said names codes of errors only. Whoever can reach a probe is told nothing about the data or its users.
 */
import { isStoreError } from '../../base/errors.js'
import type { HealthCode } from '../../api/health.js'
import type { Store } from '../../api/store.js'

export type HealthStore = Pick<Store, 'health' | 'get'>

/** Undefined: it passes. */
export type CheckResult = string | undefined

/** Any key does; etcd's own command looks at this one. */
const KEY = 'health'
/** It answered, which is what was asked: that this handle may not read is another matter. */
const ANSWERS = ['PERMISSION_DENIED', 'USER_EMPTY', 'AUTH_TOKEN_INVALID', 'AUTH_REVISION_OLD']

export class HealthChecks {
  readonly #store: HealthStore
  readonly #timeoutMs: number
  readonly #underWay = new Map<'local' | 'linearizable', Promise<CheckResult>>()

  constructor(store: HealthStore, timeoutMs: number) {
    this.#store = store
    this.#timeoutMs = timeoutMs
  }

  /** Of `/livez`. */
  readonly live: Readonly<Record<string, () => Promise<CheckResult>>> = {
    serializable_read: async () => {
      const { live, reasons } = this.#store.health()
      if (!live) return reasons[0]?.message
      // It is alive: it takes no calls any more, or waits for a state; to kill it would only lose what it has done so far.
      if (reasons.some(({ code }) => code === 'CLOSING' || code === 'AWAITS_STATE')) return undefined
      return this.read('local')
    },
  }

  /** Of `/readyz`. */
  readonly ready: Readonly<Record<string, () => Promise<CheckResult>>> = {
    data_corruption: () => this.#without('CORRUPT'),
    serializable_read: () => this.read('local'),
    linearizable_read: () => this.read('linearizable'),
    non_learner: () => this.#without('LEARNER'),
    promises_kept: () => this.#without('PROMISES_LOST'),
    not_closing: () => this.#without('CLOSING'),
  }

  /** Shared with whoever asks meanwhile. */
  read(consistency: 'local' | 'linearizable'): Promise<CheckResult> {
    let reading = this.#underWay.get(consistency)
    if (reading === undefined) {
      reading = this.#read(consistency).finally(() => this.#underWay.delete(consistency))
      this.#underWay.set(consistency, reading)
    }
    return reading
  }

  async #read(consistency: 'local' | 'linearizable'): Promise<CheckResult> {
    try {
      await this.#store.get(KEY, { consistency, timeoutMs: this.#timeoutMs })
      return undefined
    } catch (error) {
      if (!isStoreError(error)) return 'range error'
      return ANSWERS.includes(error.code) ? undefined : `range error: ${error.code}`
    }
  }

  #without(code: HealthCode): Promise<CheckResult> {
    return Promise.resolve(this.#store.health().reasons.find((reason) => reason.code === code)?.message)
  }
}

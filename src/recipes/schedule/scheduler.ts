/**
 * Jobs that are due at certain times, run by one of the processes that take part, as long as one of them lives.
 *
 * What is promised, by which clock, and what is not: docs/recipes/scheduler.md.
 */
import { CALL_FIELDS } from '../../api/check-call.js'
import { checkFields, kind } from '../../api/check-fields.js'
import type { CallOptions, Store } from '../../api/store.js'
import { quote } from '../../base/quote.js'
import { listJobs, type JobStatus } from './job-list.js'
import { jobSettingsOf, type JobOptions } from './job-options.js'
import { checkJobKeys, keysOfJob } from './job-record.js'
import type { JobFunction } from './run-firing.js'
import { ScheduledJob } from './scheduled-job.js'
import { checkTtl } from '../session/session.js'
import { SharedSession } from '../session/shared-session.js'
import { checkName } from '../name.js'
import { checkStore } from '../check-store.js'

export interface SchedulerOptions {
  /**
   * Milliseconds after which others take over the firings of this process when it dies or stalls; default 10 000. The store may
   * grant more. The signals of its firings abort after four fifths without a confirmed renewal.
   */
  readonly ttlMs?: number | undefined
  /** What others see of who runs a firing. Default: the name of the member. */
  readonly owner?: string | undefined
}

const TTL_MS = 10_000

/**
 * The jobs of one name. Every process makes one and starts the same jobs.
 *
 * @example
 * const scheduler = new Scheduler(store, 'billing')
 * const options = { cron: '0 3 * * *', timeZone: 'Europe/Berlin', promise: 'at-least-once' } as const
 * const job = scheduler.start('nightly', options, async (firing) => {
 *   const invoices = await prepare(firing.scheduled, firing.signal)
 *   await firing.complete({ success: invoices.map(({ key, text }) => put(key, text)) })
 * })
 */
export class Scheduler {
  readonly #store: Store
  readonly #name: string
  readonly #owner: string | undefined
  readonly #ttlMs: number
  readonly #jobs = new Map<string, ScheduledJob>()
  #session: SharedSession

  constructor(store: Store, name: string, options: SchedulerOptions = {}) {
    checkStore(store)
    checkName(name)
    checkFields(options, { ttlMs: true, owner: true }, 'new Scheduler()')
    const { ttlMs = TTL_MS, owner } = options
    checkTtl(ttlMs)
    if (owner !== undefined && typeof owner !== 'string')
      throw new TypeError(`owner must be a string, not ${kind(owner)}`)
    this.#store = store
    this.#name = name
    this.#owner = owner
    this.#ttlMs = ttlMs
    this.#session = new SharedSession(store, ttlMs)
  }

  /**
   * Takes part in a job, in the background, until the handle is closed: runs `work` for firings that no other process runs.
   * At most one firing of a job is run at a time, and they are begun in the order of their times.
   *
   * What goes wrong is logged and tried again. It ends by itself only when the store is closed or fails, or what is to be written of
   * the job is too large for it (`REQUEST_TOO_LARGE`): `signal` of the handle. Throws TypeError or RangeError for what makes no
   * sense, and where this object takes part in the job already.
   */
  start(name: string, options: JobOptions, work: JobFunction): ScheduledJob {
    checkName(name)
    const keys = keysOfJob(this.#name, name)
    checkJobKeys(keys)
    const settings = jobSettingsOf(options, this.#store.environment.clock.wallMs())
    if (typeof work !== 'function') throw new TypeError(`work must be a function of a firing, not ${kind(work)}`)
    if (this.#jobs.has(name)) {
      throw new TypeError(`the job ${quote(name)} is started through this object already: close() the handle first`)
    }
    const job = new ScheduledJob({
      store: this.#store,
      name,
      keys,
      by: this.#owner ?? this.#store.status().name,
      settings,
      session: this.#session,
      work,
      ended: () => this.#ended(name),
    })
    this.#jobs.set(name, job)
    return job
  }

  /**
   * All jobs that were ever started under this name, by any process, in the order of their names. Linearizable. A record
   * that cannot be read is left out.
   *
   * @example
   * for (const { name, nextMs, last } of await scheduler.jobs()) console.log(name, last?.state, last?.by, new Date(nextMs ?? NaN))
   */
  jobs(options: CallOptions = {}): Promise<readonly JobStatus[]> {
    checkFields(options, CALL_FIELDS, 'jobs()')
    return listJobs(this.#store, this.#name, options)
  }

  async #ended(name: string): Promise<void> {
    this.#jobs.delete(name)
    if (this.#jobs.size > 0) return
    const session = this.#session
    this.#session = new SharedSession(this.#store, this.#ttlMs)
    await session.close()
  }
}

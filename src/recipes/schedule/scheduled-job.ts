/**
 * A job as one process takes part in it: waits for the next firing, tries to begin it, runs the function.
 *
 * Always: what to do is decided anew (job-decision.ts) after every change in the store, when time is up, and at the latest
 * `LIMITS.jobClockLookMs` after the last look at the wall clock, which may have been set.
 * Always: deciding by what is outdated harms nothing: to begin a firing compares what it was decided by (claim.ts). Who
 * finds somebody was faster waits for the change to be seen, and does not try again before.
 * Always: one thing at a time: while the function of a firing runs here, nothing else of the job does, held or lost.
 */
import type { Revision } from '../../api/operations.js'
import type { Store } from '../../api/store.js'
import { isStoreError, StoreError } from '../../base/errors.js'
import { LIMITS } from '../../base/limits.js'
import { quote } from '../../base/quote.js'
import { callListener } from '../call-listener.js'
import { Claim } from './claim.js'
import { textOf } from './date.js'
import { nextFiringMs } from './due-firing.js'
import { Firing } from './firing.js'
import { decide, pauseBeforeMs, type Beginning } from './job-decision.js'
import type { JobSettings } from './job-options.js'
import type { FiringRecord, JobKeys, JobRecord } from './job-record.js'
import { JobView } from './job-view.js'
import { createJob, giveUp } from './job-writes.js'
import { Patience } from '../patience.js'
import { runFiring, type JobFailure, type JobFunction } from './run-firing.js'
import type { SharedSession } from '../session/shared-session.js'
import { SightedSpans } from './sighted-spans.js'
import { isStoreGone, mayTakeEffect } from '../failures.js'

export interface ScheduledJobOptions {
  readonly store: Store
  readonly name: string
  readonly keys: JobKeys
  readonly by: string
  readonly settings: JobSettings
  readonly session: SharedSession
  readonly work: JobFunction
  /** Called once, when everything has ended. */
  readonly ended: () => Promise<void>
}

/** A job that this process takes part in, until it is closed. Made by `Scheduler.start()`. */
export class ScheduledJob implements AsyncDisposable {
  readonly name: string
  readonly #options: ScheduledJobOptions
  readonly #store: Store
  readonly #view: JobView
  readonly #sightings = new SightedSpans()
  readonly #listeners = new Set<(failure: JobFailure) => unknown>()
  /** Nothing new is begun any more. */
  readonly #closing = new AbortController()
  /** Nothing is waited for any more. */
  readonly #over = new AbortController()
  readonly #patience: Patience
  readonly #working: Promise<void>
  readonly #following: Promise<void>
  #wake: () => void = () => undefined
  /** Before which firing and attempt it pauses, and until when by the monotonic clock. */
  #pause: { readonly of: string; readonly untilMs: number } | undefined
  #current: Firing | undefined
  #closed: Promise<void> | undefined

  /** @internal */
  constructor(options: ScheduledJobOptions) {
    this.name = options.name
    this.#options = options
    this.#store = options.store
    this.#patience = new Patience(this.#store.environment, { signal: this.#over.signal })
    this.#view = new JobView(this.#store, options.keys, () => {
      this.#changed()
    })
    this.#following = this.#follow()
    this.#working = this.#loop()
  }

  /** Aborts when this process takes part no more: it was closed, or nothing can succeed any more, for the reason that it gives then. */
  get signal(): AbortSignal {
    return this.#closing.signal
  }

  /** When, by the clock of this process, the next firing is due, in milliseconds since 1970; undefined: never, or not known yet. */
  get nextMs(): number | undefined {
    const { readable: record } = this.#view
    const { schedule } = this.#options.settings
    return record && nextFiringMs(schedule, record.decided, this.#wallMs, this.#sightings)
  }

  /**
   * Calls `listener` for each attempt that fails here, or that is given up here; the log is told, too, at level `warn`. Returns what ends it.
   *
   * @example
   * job.on('failure', ({ scheduled, attempt, error }) => alert(`nightly of ${scheduled}, attempt ${attempt}: ${error}`))
   */
  on(event: 'failure', listener: (failure: JobFailure) => unknown): () => void {
    if (event !== 'failure') throw new TypeError(`a job has the event 'failure', not ${String(event)}`)
    if (typeof listener !== 'function') throw new TypeError('listener must be a function')
    this.#listeners.add(listener)
    return () => {
      this.#listeners.delete(listener)
    }
  }

  /**
   * Takes part no more. Aborts the signal of a function that runs, and waits for it, for at most `closeMs`: when it returns, the
   * firing is done; when it throws, or takes longer, another process begins it again where that was promised. Idempotent.
   */
  close(): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    this.#stop(new StoreError('ABORTED', 'the job was closed'))
    // What is under way where no function runs has this long to come to an end, and so has the lease: without a quorum neither does.
    const idleMs = LIMITS.jobRetryMsMin
    const { closeMs } = this.#options.settings
    await this.#settles(this.#working, Math.min(idleMs, closeMs))
    if (this.#current !== undefined && !(await this.#settles(this.#working, closeMs - idleMs))) {
      this.#warn('a job is closed while its function still runs', {})
      await this.#letGo(this.#current)
    }
    this.#over.abort(this.#closing.signal.reason)
    await this.#following
    this.#patience.end()
    await this.#settles(this.#options.ended(), idleMs)
  }

  #stop(reason: unknown): void {
    this.#closing.abort(reason)
    this.#current?.stop()
    this.#wake()
  }

  /** Nothing can succeed any more. */
  #fail(error: unknown): void {
    if (this.#over.signal.aborted) return
    this.#store.environment.logger.error('a job is not run here any more', { job: this.name, reason: String(error) })
    this.#stop(error)
    this.#over.abort(error)
    this.#current?.lose(error)
  }

  async #follow(): Promise<void> {
    while (!this.#over.signal.aborted) {
      try {
        await this.#view.follow(this.#patience)
      } catch (error) {
        if (this.#over.signal.aborted) return
        if (isHopeless(error)) {
          this.#fail(error)
          return
        }
        // A permission that was taken away may be given again.
        this.#warn('a job cannot be followed', { reason: String(error) })
        await this.#patience.pause(LIMITS.jobRetryMsMin)
      }
    }
  }

  async #loop(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      try {
        await this.#step()
      } catch (error) {
        if (this.#closing.signal.aborted) return
        if (isHopeless(error)) {
          this.#fail(error)
          return
        }
        this.#warn('a job is held up', { reason: String(error) })
        await this.#sleep(LIMITS.jobRetryMsMin)
      }
    }
  }

  async #step(): Promise<void> {
    const { version, record, stateRevision } = this.#view
    if (version === 0) return this.#change(version)
    const { settings } = this.#options
    const nowMs = this.#wallMs
    if (record !== undefined) this.#sightings.look(record.decided.skipped, nowMs)
    const running = this.#view.run !== undefined
    const step = decide({ ...settings, record, running, nowMs, sightings: this.#sightings })
    switch (step.type) {
      case 'watch':
        // No look at the clock: nothing is due while it runs.
        return this.#change(version)
      case 'wait':
        return this.#change(version, Math.min((step.untilMs ?? Infinity) - nowMs, LIMITS.jobClockLookMs))
      case 'create':
        await createJob(this.#store, this.#options.keys, settings.schedule.options, this.#patience)
        return this.#change(version)
      case 'give-up':
        if (record !== undefined) await this.#giveUp(record, step.firing, stateRevision)
        return this.#change(version)
      case 'begin': {
        const leftMs = this.#pauseLeftMs(step.begin)
        if (leftMs > 0) return this.#change(version, leftMs)
        return this.#begin(step.begin, stateRevision, version)
      }
    }
  }

  /** Milliseconds, of the pause before a firing that can begin, that have not passed yet. */
  #pauseLeftMs(begin: Beginning): number {
    const { random, clock } = this.#store.environment
    const of = `${begin.scheduledMs}/${begin.attempt}`
    if (this.#pause?.of !== of) {
      const pauseMs = pauseBeforeMs(random, begin, this.#options.settings.schedule)
      this.#pause = { of, untilMs: clock.monotonicMs() + pauseMs }
    }
    return this.#pause.untilMs - clock.monotonicMs()
  }

  async #giveUp(record: JobRecord, firing: FiringRecord, stateRevision: Revision): Promise<void> {
    const { scheduledMs, attempt, error = 'who ran it died or lost its lease' } = firing
    const what = { record, firing, error, stateRevision }
    const given = await giveUp(this.#store, this.#options.keys, what, this.#patience)
    if (given) this.#tell({ scheduled: textOf(scheduledMs), attempt, error: new Error(error), then: 'over' })
  }

  async #begin(begin: Beginning, stateRevision: number, version: number): Promise<void> {
    const claim = await this.#claim(begin, stateRevision)
    this.#pause = undefined
    if (claim === undefined) return this.#change(version)
    const firing = new Firing(this.#store, this.name, claim)
    this.#current = firing
    if (this.#closing.signal.aborted) firing.stop()
    const failure = await runFiring(firing, {
      work: this.#options.work,
      attemptsMax: this.#options.settings.attemptsMax,
      session: this.#options.session,
      closing: this.#closing.signal,
      warn: (message, fields) => {
        this.#warn(message, fields)
      },
    })
    firing.forget()
    this.#current = undefined
    if (failure !== undefined) this.#tell(failure)
    // Until the own beginning is seen, it would be decided by what was before it.
    while (this.#view.revision < claim.token && !this.#closing.signal.aborted) await this.#change(this.#view.version)
  }

  async #claim(begin: Beginning, stateRevision: number): Promise<Claim | undefined> {
    const { keys, by, settings, session: shared } = this.#options
    const session = await shared.get(this.#patience)
    const schedule = settings.schedule.options
    // Once the lease cannot be relied upon, nothing is begun under it.
    const patience = new Patience(this.#store.environment, { signal: this.#over.signal })
    try {
      patience.endWith(session.signal)
      const options = { keys, by, schedule, begin, stateRevision, session }
      return await Claim.take(this.#store, options, patience)
    } catch (error) {
      // It may have begun all the same, or will have: then that ends with the lease. What was refused did not, and the firings of
      // other jobs hang on the lease: a full disk, which refuses every beginning, must not end what runs.
      if (mayTakeEffect(error)) shared.abandon(session)
      throw error
    } finally {
      patience.end()
    }
  }

  #tell(failure: JobFailure): void {
    const { scheduled, attempt, then, error } = failure
    this.#warn('a firing failed', { scheduled, attempt, then, reason: String(error) })
    for (const listener of this.#listeners) callListener(this.#store.environment, () => listener(failure))
  }

  /** Its function does not return: others may have it. */
  async #letGo(firing: Firing): Promise<void> {
    await firing.release({ timeoutMs: LIMITS.jobRetryMsMin }).catch(() => {
      firing.abandon(this.#options.session)
    })
    firing.lose(new StoreError('LOCK_LOST', 'the job was closed'))
  }

  #changed(): void {
    this.#wake()
    this.#current?.see(this.#view)
  }

  /** Resolves when the view is not the one of this version any more, when time is up, and when the job is closed. */
  #change(version: number, ms?: number): Promise<void> {
    return this.#view.version === version ? this.#sleep(ms) : Promise.resolve()
  }

  /** Until the next change, at the latest. */
  #sleep(ms = Infinity): Promise<void> {
    if (this.#closing.signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const cancel =
        ms === Infinity
          ? undefined
          : this.#store.environment.timers.after(Math.max(0, ms), () => {
              this.#wake()
            })
      this.#wake = () => {
        cancel?.()
        this.#wake = () => undefined
        resolve()
      }
    })
  }

  /** Whether it settles within so many milliseconds. */
  #settles(promise: Promise<void>, ms: number): Promise<boolean> {
    return new Promise((resolve) => {
      const { timers } = this.#store.environment
      const cancel =
        ms === Infinity
          ? undefined
          : timers.after(Math.max(0, ms), () => {
              resolve(false)
            })
      void promise.finally(() => {
        cancel?.()
        resolve(true)
      })
    })
  }

  get #wallMs(): number {
    return this.#store.environment.clock.wallMs()
  }

  #warn(message: string, fields: Readonly<Record<string, string | number | undefined>>): void {
    this.#store.environment.logger.warn(message, { job: quote(this.name), ...fields })
  }
}

/** The store has gone, or what is written of the job is too large for it, by its names or its pattern. */
function isHopeless(error: unknown): boolean {
  return isStoreGone(error) || isStoreError(error, 'REQUEST_TOO_LARGE')
}

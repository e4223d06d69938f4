/** What a job is told, complete and checked before anything runs. */
import { checkFields, kind, type Fields } from '../../api/check-fields.js'
import type { MissedPolicy } from './due-firing.js'
import type { JobPromise } from './job-record.js'
import { scheduleOf, type CronSchedule, type IntervalSchedule, type Schedule } from './schedule.js'

interface AnyPromise {
  /**
   * `at-least-once`: a firing is begun again when its function throws, or when its process dies, stalls or is closed.
   * `at-most-once`: it is never begun again, whatever becomes of its function. What is written with `firing.complete()` is
   * written once in the first case, and at most once in the second. In either the next one waits until the function has ended.
   */
  readonly promise: JobPromise
  readonly attemptsMax?: undefined
}

interface AtLeastOnce {
  /** As of any promise. */
  readonly promise: 'at-least-once'
  /**
   * After so many attempts, deaths counted, a firing is given up, which is logged and told as a failure, and the next one has its
   * turn. Default: none, it is tried until it is done; the pauses between grow to five minutes.
   */
  readonly attemptsMax?: number | undefined
}

interface MissedAll {
  /**
   * What becomes of firings that were due while none could begin: no process was there, or the firing before took its time.
   * `latest`: the last one of them is run. `skip`: the same, unless it is more than `graceMs` late. `all`: each is run, in
   * order, of more than `LIMITS.jobMissedFiringsMax` the last ones. Default `latest`. What was due before a job was
   * started for the first time is not made up for.
   */
  readonly missed?: 'latest' | 'all' | undefined
  readonly graceMs?: undefined
}

interface MissedSkip {
  /** As of `latest`. */
  readonly missed: 'skip'
  /** By how many milliseconds a firing may be late. Default 30 000. */
  readonly graceMs?: number | undefined
}

interface CloseOptions {
  /** Milliseconds that `close()` waits for a function that runs and whose signal it has aborted. Default 10 000. */
  readonly closeMs?: number | undefined
}

export type JobOptions = (CronSchedule | IntervalSchedule) &
  (AnyPromise | AtLeastOnce) &
  (MissedAll | MissedSkip) &
  CloseOptions

/** Those of all jobs. */
interface AllOptions extends CloseOptions {
  readonly cron?: string | undefined
  readonly timeZone?: string | undefined
  readonly everyMs?: number | undefined
  readonly promise: JobPromise
  readonly missed?: MissedPolicy['type'] | undefined
  readonly graceMs?: number | undefined
  readonly attemptsMax?: number | undefined
}

const FIELDS: Fields<AllOptions> = {
  cron: true,
  timeZone: true,
  everyMs: true,
  promise: true,
  missed: true,
  graceMs: true,
  attemptsMax: true,
  closeMs: true,
}

/** The same, with nothing left open. */
export interface JobSettings {
  readonly schedule: Schedule
  readonly promise: JobPromise
  readonly missed: MissedPolicy
  readonly attemptsMax: number
  readonly closeMs: number
}

const GRACE_MS = 30_000
const CLOSE_MS = 10_000

/** Throws TypeError or RangeError. `nowMs`: a pattern must have a time after it. */
export function jobSettingsOf(options: JobOptions, nowMs: number): JobSettings {
  if (options === undefined)
    throw new TypeError("start() takes options, as { cron: '0 3 * * *', promise: 'at-least-once' }")
  checkFields(options, FIELDS, 'start()')
  const { promise, closeMs = CLOSE_MS } = options
  if (promise !== 'at-least-once' && promise !== 'at-most-once') {
    throw new TypeError(`promise must be 'at-least-once' or 'at-most-once', not ${String(promise)}`)
  }
  const { cron, timeZone, everyMs } = options
  const schedule = scheduleOf({ cron, timeZone, everyMs } as CronSchedule)
  if (schedule.next(nowMs) === undefined) throw new RangeError(`cron has no time from now on: ${String(cron)}`)
  return {
    schedule,
    promise,
    missed: missedOf(options),
    attemptsMax: attemptsMaxOf(options),
    closeMs: milliseconds('closeMs', closeMs),
  }
}

function missedOf({ missed = 'latest', graceMs }: AllOptions): MissedPolicy {
  if (missed === 'skip') return { type: missed, graceMs: milliseconds('graceMs', graceMs ?? GRACE_MS) }
  if (missed !== 'latest' && missed !== 'all') {
    throw new TypeError(`missed must be 'latest', 'skip' or 'all', not ${String(missed)}`)
  }
  if (graceMs !== undefined) throw new TypeError(`graceMs goes with missed: 'skip', not with '${missed}'`)
  return { type: missed }
}

function attemptsMaxOf({ attemptsMax, promise }: AllOptions): number {
  if (attemptsMax === undefined) return Infinity
  if (promise === 'at-most-once') throw new TypeError("attemptsMax goes with promise: 'at-least-once'")
  if (typeof attemptsMax !== 'number') throw new TypeError(`attemptsMax must be a number, not ${kind(attemptsMax)}`)
  if (attemptsMax === Infinity || (Number.isSafeInteger(attemptsMax) && attemptsMax >= 1)) return attemptsMax
  throw new RangeError(`attemptsMax must be a whole number of at least 1, not ${attemptsMax}`)
}

function milliseconds(option: string, value: number): number {
  if (typeof value !== 'number') throw new TypeError(`${option} must be a number of milliseconds, not ${kind(value)}`)
  if (value >= 0) return value
  throw new RangeError(`${option} must be 0 or more milliseconds, not ${value}`)
}

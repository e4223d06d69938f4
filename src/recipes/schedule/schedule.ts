/**
 * The times at which a job is due: of a cron pattern in a time zone, or every so many milliseconds.
 *
 * Always: a pure function of the schedule. Every process that has the same schedule names the same times, whenever it asks
 * and wherever it started; which of them have come is asked elsewhere (due-firing.ts).
 *
 * The times of a pattern are computed by `croner`, of which nothing else is used: a pattern without a function has no timer,
 * one without a name is in no list. What it has in public (`nextRun(from)`, `nextRuns`, `previousRuns`, `enumerate`) begins
 * with `new Date()`, though nothing depends on that where `from` is given. `simulate({ traps: true })` of `quorate/testing`
 * ends a program that does so, with reason, and would end every program that has a job. So the function behind them is called,
 * which is given both times; that it answers what `nextRun` would is a test, and the version is pinned.
 */
import { Cron } from 'croner'
import { kind } from '../../api/check-fields.js'
import { LIMITS } from '../../base/limits.js'
import { quote } from '../../base/quote.js'
import { dateOf } from './date.js'

export interface CronSchedule {
  /**
   * Minute, hour, day of the month, month, day of the week, as in crontab(5); with six parts the first is the second. Also
   * `L`, `W` and `#` for days, and `@hourly`, `@daily`, `@weekly`, `@monthly` and `@yearly`.
   *
   * Where clocks are changed: with numbers, lists and ranges only, every time comes once. One that is left out comes at the end
   * of the gap; of one that comes twice, the first counts. With `*` or a step in the second, minute or hour it is about what
   * the clock on the wall shows: a time that is left out does not come, one that the clock shows twice comes twice.
   */
  readonly cron: string
  /** Of the pattern, as `Europe/Berlin`. Default: `UTC`, and not the zone of the machine, which others may not share. */
  readonly timeZone?: string | undefined
  readonly everyMs?: undefined
}

export interface IntervalSchedule {
  /** Milliseconds between two firings, which are due at whole multiples of it since 1970. At least `LIMITS.jobEveryMsMin`. */
  readonly everyMs: number
  readonly cron?: undefined
  readonly timeZone?: undefined
}

export type ScheduleOptions = CronSchedule | IntervalSchedule

export interface Schedule {
  /** How it is written down; {@link scheduleOf} makes it again. */
  readonly options: ScheduleOptions
  /** The first time after this one; undefined: there is none. Milliseconds since 1970. */
  next(afterMs: number): number | undefined
  /** The last time until and including this one. */
  last(untilMs: number): number | undefined
}

/** Throws TypeError or RangeError for what is no schedule. */
export function scheduleOf(options: ScheduleOptions): Schedule {
  const { cron, timeZone, everyMs } = options
  if ((cron === undefined) === (everyMs === undefined)) {
    throw new TypeError("a job is due by one of cron, as { cron: '0 3 * * *' }, and everyMs, as { everyMs: 60_000 }")
  }
  if (cron !== undefined) return new CronTimes(cron, timeZone)
  if (timeZone !== undefined) throw new TypeError('timeZone goes with cron: everyMs is the same in every zone')
  return new IntervalTimes(everyMs)
}

class IntervalTimes implements Schedule {
  readonly options: IntervalSchedule
  readonly #everyMs: number

  constructor(everyMs: number) {
    if (typeof everyMs !== 'number')
      throw new TypeError(`everyMs must be a number of milliseconds, not ${kind(everyMs)}`)
    if (!Number.isSafeInteger(everyMs) || everyMs < LIMITS.jobEveryMsMin) {
      throw new RangeError(`everyMs must be a whole number of at least ${LIMITS.jobEveryMsMin}, not ${everyMs}`)
    }
    this.options = { everyMs }
    this.#everyMs = everyMs
  }

  next(afterMs: number): number {
    return (Math.floor(afterMs / this.#everyMs) + 1) * this.#everyMs
  }

  last(untilMs: number): number {
    return Math.floor(untilMs / this.#everyMs) * this.#everyMs
  }
}

/** What is behind `nextRun()` and `previousRuns()`: the same, told what time it is. */
interface Clockless {
  _nextTarget(after: Date, now: Date): Date | null
  _previousTarget(before: Date, now: Date): Date | null
}

class CronTimes implements Schedule {
  readonly options: CronSchedule
  readonly #times: Clockless

  constructor(cron: string, timeZone = 'UTC') {
    if (typeof cron !== 'string') throw new TypeError(`cron must be a pattern, as '0 3 * * *', not ${kind(cron)}`)
    // To croner, text with a colon is a date: one that comes once.
    if (cron.includes(':')) throw new TypeError(`cron must be a pattern, as '0 3 * * *', not a date: ${quote(cron)}`)
    if (typeof timeZone !== 'string') throw new TypeError(`timeZone must be a string, not ${kind(timeZone)}`)
    checkTimeZone(timeZone)
    this.options = { cron, timeZone }
    this.#times = parse(cron, timeZone)
  }

  next(afterMs: number): number | undefined {
    const after = dateOf(afterMs)
    return this.#times._nextTarget(after, after)?.getTime()
  }

  last(untilMs: number): number | undefined {
    const before = dateOf(Math.floor(untilMs) + 1)
    return this.#times._previousTarget(before, before)?.getTime()
  }
}

function parse(cron: string, timeZone: string): Clockless {
  try {
    const pattern = new Cron(cron, { timezone: timeZone, paused: true, fixedTimeRule: 'no-wildcard' })
    return pattern as unknown as Clockless
  } catch (cause) {
    throw new RangeError(`cron must be a pattern, as '0 3 * * *', not ${quote(cron)}: ${String(cause)}`, { cause })
  }
}

function checkTimeZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone })
  } catch (cause) {
    throw new RangeError(`timeZone must be one of the time zone database, as 'Europe/Berlin', not ${quote(timeZone)}`, {
      cause,
    })
  }
}

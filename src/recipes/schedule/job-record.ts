/**
 * What the store holds of a job, as JSON, so that `etcdctl get --prefix billing/jobs/` reads well:
 *
 *     billing/jobs/nightly/state   what is decided, and what became of the last firing; stays
 *     billing/jobs/nightly/run     who runs the firing now; under the lease of that process
 *
 * Always: `state` changes only together with a change of `run`, or while there is no `run`. So whoever holds `run` knows
 * what `state` is, and whoever begins a firing compares both.
 */
import type { KeyValue } from '../../api/key-value.js'
import { keyOf } from '../../base/bytes.js'
import { StoreError } from '../../base/errors.js'
import { LIMITS } from '../../base/limits.js'
import { quote } from '../../base/quote.js'
import { textOf, timeOf } from './date.js'
import type { Decided } from './due-firing.js'
import type { ScheduleOptions } from './schedule.js'

/** `at-least-once`: a firing is begun again until its function has returned. `at-most-once`: it is begun once. */
export type JobPromise = 'at-least-once' | 'at-most-once'

export interface JobKeys {
  readonly prefix: string
  readonly state: string
  readonly run: string
}

export interface FiringRecord {
  readonly scheduledMs: number
  /** Under which it was begun: who runs it again goes by this one. */
  readonly promise: JobPromise
  /** `begun` without `run` in the store: who ran it died, lost its lease or was closed. */
  readonly state: 'begun' | 'failed' | 'done' | 'given-up'
  /** 1 at first. */
  readonly attempt: number
  /** Who began it. */
  readonly by: string
  /** What no other attempt has. */
  readonly id: string
  /** By the clock of that process, for people: nothing is decided by it. */
  readonly at: string
  /** Of the last attempt that failed. */
  readonly error?: string | undefined
  /** Which branch of the transaction that completed it was done. */
  readonly succeeded?: boolean | undefined
}

export interface JobRecord {
  readonly schedule: ScheduleOptions
  readonly decided: Decided
  readonly firing?: FiringRecord | undefined
}

/** The value of `run`. */
export interface RunRecord {
  readonly scheduled: string
  readonly attempt: number
  readonly by: string
  readonly at: string
}

const FOLDER = 'jobs/'
const STATE = '/state'
const RUN = '/run'

export function prefixOfJobs(name: string): string {
  return `${name}/${FOLDER}`
}

export function keysOfJob(name: string, job: string): JobKeys {
  const key = `${prefixOfJobs(name)}${job}`
  return { prefix: `${key}/`, state: `${key}${STATE}`, run: `${key}${RUN}` }
}

/**
 * Throws TypeError or RangeError where the names are no text, or too long. The keys are used in the background: nobody would be
 * told there.
 */
export function checkJobKeys({ state }: JobKeys): void {
  const { length } = keyOf(state, 'the name of a job')
  if (length <= LIMITS.keyBytesMax) return
  throw new RangeError(
    `the names of a scheduler and of a job make keys of at most ${LIMITS.keyBytesMax} bytes together, not ${length}`,
  )
}

/** The job whose `state` or `run` this key is; undefined: it is neither. */
export function jobOfKey(
  name: string,
  key: string,
): { readonly job: string; readonly part: 'state' | 'run' } | undefined {
  const rest = key.slice(prefixOfJobs(name).length)
  if (rest.endsWith(STATE)) return { job: rest.slice(0, -STATE.length), part: 'state' }
  if (rest.endsWith(RUN)) return { job: rest.slice(0, -RUN.length), part: 'run' }
  return undefined
}

/** As it lies in the store: times for people. */
interface Written {
  readonly schedule: ScheduleOptions
  readonly upTo: string
  readonly skipped: readonly { readonly after: string; readonly before: string }[]
  readonly firing?: Omit<FiringRecord, 'scheduledMs'> & { readonly scheduled: string }
}

export function writeRecord({ schedule, decided, firing }: JobRecord): string {
  const written: Written = {
    schedule,
    upTo: textOf(decided.upToMs),
    skipped: decided.skipped.map(({ afterMs, beforeMs }) => ({ after: textOf(afterMs), before: textOf(beforeMs) })),
    ...(firing === undefined ? {} : { firing: writeFiring(firing) }),
  }
  return JSON.stringify(written)
}

function writeFiring({ scheduledMs, ...rest }: FiringRecord): NonNullable<Written['firing']> {
  return { scheduled: textOf(scheduledMs), ...rest }
}

/** Throws `MALFORMED` for what is none. */
export function readRecord(keyValue: KeyValue): JobRecord {
  try {
    const { schedule, upTo, skipped, firing } = keyValue.json<Written>()
    return {
      schedule,
      decided: {
        upToMs: timeOf(upTo),
        skipped: skipped.map(({ after, before }) => ({ afterMs: timeOf(after), beforeMs: timeOf(before) })),
      },
      ...(firing === undefined ? {} : { firing: readFiring(firing) }),
    }
  } catch (cause) {
    throw new StoreError('MALFORMED', `${quote(keyValue.key)} is no record of a job`, { cause })
  }
}

function readFiring({ scheduled, ...rest }: NonNullable<Written['firing']>): FiringRecord {
  return { scheduledMs: timeOf(scheduled), ...rest }
}

/**
 * What a process does next about a job: a function of what the store holds, of its clock and of what it remembers. Pure.
 *
 * Always: no firing begins before the one before is over. Firings neither overlap nor pass each other; what is due meanwhile
 * is missed, and there is a policy for it.
 * Always: what was begun at most once is over when nobody runs it, whatever a process is told to promise now.
 */
import { LIMITS } from '../../base/limits.js'
import { below, type Random } from '../../base/random.js'
import { dueFiring, nextFiringMs, type Decided, type MissedPolicy, type Sightings } from './due-firing.js'
import type { FiringRecord, JobPromise, JobRecord } from './job-record.js'
import type { Schedule } from './schedule.js'

export type Step =
  /** The job was never started before. */
  | { readonly type: 'create' }
  /** Somebody runs it: that he is done, or gone, shows in the store. */
  | { readonly type: 'watch' }
  /** Nothing is due before this time of the wall clock; undefined: never. */
  | { readonly type: 'wait'; readonly untilMs: number | undefined }
  | { readonly type: 'begin'; readonly begin: Beginning }
  /** It was begun as often as it may be, and nobody runs it any more. */
  | { readonly type: 'give-up'; readonly firing: FiringRecord }

export interface Beginning {
  readonly scheduledMs: number
  readonly attempt: number
  readonly promise: JobPromise
  readonly decided: Decided
}

export interface Situation {
  /** Undefined: there is none yet. */
  readonly record: JobRecord | undefined
  readonly running: boolean
  readonly schedule: Schedule
  readonly promise: JobPromise
  readonly missed: MissedPolicy
  readonly attemptsMax: number
  readonly nowMs: number
  readonly sightings: Sightings
}

export function decide(situation: Situation): Step {
  const { record, running, schedule, missed, nowMs, sightings } = situation
  if (running) return { type: 'watch' }
  if (record === undefined) return { type: 'create' }
  const { decided, firing } = record
  if (firing !== undefined && !isOver(firing)) {
    const { scheduledMs, attempt, promise } = firing
    if (attempt >= situation.attemptsMax) return { type: 'give-up', firing }
    return { type: 'begin', begin: { scheduledMs, attempt: attempt + 1, promise, decided } }
  }
  const due = dueFiring(schedule, decided, missed, nowMs, sightings)
  if (due !== undefined) return { type: 'begin', begin: { ...due, attempt: 1, promise: situation.promise } }
  return { type: 'wait', untilMs: nextFiringMs(schedule, decided, nowMs, sightings) }
}

/** Whether nobody will run it again, once nobody runs it. */
export function isOver({ state, promise }: FiringRecord): boolean {
  switch (state) {
    case 'done':
    case 'given-up':
      return true
    case 'begun':
    case 'failed':
      return promise === 'at-most-once'
  }
}

/**
 * Milliseconds to wait, from when it was seen that it can begin, before a firing is begun: a little by chance, so that one
 * of the processes is first and the others see it; after attempts that came to nothing longer each time. Counted by each
 * process for itself, so that no two clocks are compared.
 */
export function pauseBeforeMs(random: Random, { scheduledMs, attempt }: Beginning, schedule: Schedule): number {
  if (attempt > 1) {
    const { jobRetryMsMin, jobRetryMsMax } = LIMITS
    const longestMs = Math.min(jobRetryMsMax, jobRetryMsMin * 2 ** Math.min(attempt - 2, 30))
    return longestMs / 2 + below(random, Math.ceil(longestMs / 2))
  }
  const everyMs = (schedule.next(scheduledMs) ?? Infinity) - scheduledMs
  return below(random, Math.ceil(Math.min(LIMITS.jobJitterMsMax, everyMs / 10)))
}

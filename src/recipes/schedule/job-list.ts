/** What the store knows of all jobs of a name, for whoever operates them. */
import type { KeyValue } from '../../api/key-value.js'
import type { CallOptions, Store } from '../../api/store.js'
import { quote } from '../../base/quote.js'
import { textOf } from './date.js'
import { nextFiringMs } from './due-firing.js'
import { isOver } from './job-decision.js'
import { jobOfKey, prefixOfJobs, readRecord, type FiringRecord, type JobRecord } from './job-record.js'
import { scheduleOf, type ScheduleOptions } from './schedule.js'

export interface JobStatus {
  readonly name: string
  /** By which its last firing was begun; before the first: by which it was started. */
  readonly schedule: ScheduleOptions
  /** When the next firing is due by that, and by the clock of this process; undefined: never, or not known here. Milliseconds since 1970. */
  readonly nextMs: number | undefined
  /** The last firing that was begun; undefined: none was. */
  readonly last: FiringStatus | undefined
}

export interface FiringStatus {
  /** Its name: when it was due, as `2026-11-30T03:00:00.000Z`. */
  readonly scheduled: string
  /**
   * `retrying`: an attempt failed, or was cut off, and it is begun again. `given-up`: after as many attempts as it may have.
   * At most once: `failed` when its function threw, `cut-off` when the process died, lost its lease or was closed.
   */
  readonly state: 'running' | 'done' | 'retrying' | 'given-up' | 'failed' | 'cut-off'
  readonly attempt: number
  /** Who runs it, or did last. */
  readonly by: string
  /** When that began, by his clock, as `scheduled`. */
  readonly at: string
  /** Why the last attempt failed. */
  readonly error: string | undefined
}

export async function listJobs(store: Store, name: string, call: CallOptions): Promise<readonly JobStatus[]> {
  const { items } = await store.range({ prefix: prefixOfJobs(name) }, call)
  const running = new Set(
    items.map(({ key }) => jobOfKey(name, key)).flatMap((of) => (of?.part === 'run' ? of.job : [])),
  )
  return items.flatMap((item) => {
    const of = jobOfKey(name, item.key)
    return of?.part === 'state' ? (statusOf(store, of.job, item, running.has(of.job)) ?? []) : []
  })
}

/** Undefined for what is no record: those of the others are to be seen all the same. */
function statusOf(store: Store, name: string, item: KeyValue, running: boolean): JobStatus | undefined {
  const { clock, logger } = store.environment
  const record = readable(item)
  if (record === undefined) {
    logger.warn('the record of a job cannot be read', { job: quote(name) })
    return undefined
  }
  const { schedule, firing } = record
  return { name, schedule, nextMs: nextMsOf(record, clock.wallMs()), last: firing && firingStatusOf(firing, running) }
}

function readable(item: KeyValue): JobRecord | undefined {
  try {
    return readRecord(item)
  } catch {
    return undefined
  }
}

function nextMsOf({ schedule, decided }: JobRecord, nowMs: number): number | undefined {
  try {
    return nextFiringMs(scheduleOf(schedule), decided, nowMs, { lowestMs: () => Infinity })
  } catch {
    // Of a zone, or in a pattern, that is known where the job is started and not here.
    return undefined
  }
}

function firingStatusOf(firing: FiringRecord, running: boolean): FiringStatus {
  const { scheduledMs, attempt, by, at, error } = firing
  return { scheduled: textOf(scheduledMs), state: running ? 'running' : stateOf(firing), attempt, by, at, error }
}

function stateOf(firing: FiringRecord): FiringStatus['state'] {
  switch (firing.state) {
    case 'done':
    case 'given-up':
      return firing.state
    case 'failed':
      return isOver(firing) ? 'failed' : 'retrying'
    case 'begun':
      return isOver(firing) ? 'cut-off' : 'retrying'
  }
}

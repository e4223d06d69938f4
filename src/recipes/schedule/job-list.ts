/** What the store knows of all jobs of a name, for whoever operates them. */
import type { KeyValue } from '../../api/key-value.js'
import type { CallOptions, Store } from '../../api/store.js'
import { textOf } from './date.js'
import { nextFiringMs } from './due-firing.js'
import { isOver } from './job-decision.js'
import { jobOfKey, prefixOfJobs, readRecord, type FiringRecord, type JobRecord } from './job-record.js'
import { scheduleOf, type ScheduleOptions } from './schedule.js'

export interface JobStatus {
  readonly name: string
  /** By which its last firing was begun; before the first: by which it was started. */
  readonly schedule: ScheduleOptions
  /** When the next firing is due by that, and by the clock of this process; undefined: never. Milliseconds since 1970. */
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
  const nowMs = store.environment.clock.wallMs()
  return items.flatMap((item) => {
    const of = jobOfKey(name, item.key)
    return of?.part === 'state' ? statusOf(of.job, item, running.has(of.job), nowMs) : []
  })
}

function statusOf(name: string, item: KeyValue, running: boolean, nowMs: number): JobStatus {
  const record = readRecord(item)
  const { schedule, firing } = record
  return { name, schedule, nextMs: nextMsOf(record, nowMs), last: firing && firingStatusOf(firing, running) }
}

function nextMsOf({ schedule, decided }: JobRecord, nowMs: number): number | undefined {
  return nextFiringMs(scheduleOf(schedule), decided, nowMs, { lowestMs: () => Infinity })
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

/** What is written of a job while nobody runs a firing of it; each compares that this is so. */
import { compare, put, type Revision } from '../../api/operations.js'
import type { Store } from '../../api/store.js'
import { decidedAtStart } from './due-firing.js'
import { writeRecord, type FiringRecord, type JobKeys, type JobRecord } from './job-record.js'
import type { Patience } from '../patience.js'
import type { ScheduleOptions } from './schedule.js'

/** Starts a job for the first time; where somebody else was first, his record stays. */
export async function createJob(
  store: Store,
  keys: JobKeys,
  schedule: ScheduleOptions,
  patience: Patience,
): Promise<void> {
  const decided = decidedAtStart(store.environment.clock.wallMs())
  const transaction = {
    compare: [compare(keys.state).missing()],
    success: [put(keys.state, writeRecord({ schedule, decided }))],
  }
  await patience.insist((signal) => store.txn(transaction, { signal }))
}

export interface GivingUp {
  readonly record: JobRecord
  readonly firing: FiringRecord
  readonly error: string
  /** Of the record. */
  readonly stateRevision: Revision
}

/** Whether this call gave the firing up, as far as it was told. */
export async function giveUp(store: Store, keys: JobKeys, what: GivingUp, patience: Patience): Promise<boolean> {
  const { record, firing, error, stateRevision } = what
  const transaction = {
    compare: [compare(keys.state).modRevision('=', stateRevision), compare(keys.run).missing()],
    success: [put(keys.state, writeRecord({ ...record, firing: { ...firing, state: 'given-up', error } }))],
  }
  return (await patience.insist((signal) => store.txn(transaction, { signal }))).succeeded
}

/** Recipes: what is built from the Store contract alone, and so runs over every store that keeps it. */
export { Barrier } from './barrier/barrier.js'
export type { BarrierHoldOptions } from './barrier/barrier.js'
export { CachedView } from './view/cached-view.js'
export type { ViewGetOptions } from './view/cached-view.js'
export type { ViewChange, ViewChanges, ViewDelete, ViewPut, ViewUnreadable } from './view/view-change.js'
export type { ViewFailure } from './view/view-contents.js'
export type { Decode, DecodedViewOptions, ViewChangesOptions, ViewOptions } from './view/view-options.js'
export { Configuration } from './configuration/configuration.js'
export type { SetOptions } from './configuration/configuration.js'
export type { ConfigurationState, InvalidConfiguration } from './configuration/shown-configuration.js'
export type { ConfigurationOptions } from './configuration/configuration-options.js'
export type {
  SchemaInput,
  SchemaIssue,
  SchemaOutput,
  SchemaResult,
  StandardSchema,
} from './configuration/standard-schema.js'
export { DoubleBarrier } from './barrier/double-barrier.js'
export type { DoubleBarrierOptions, DoubleBarrierParties } from './barrier/double-barrier.js'
export type { Party } from './barrier/party.js'
export { healthHandler } from './health/health-handler.js'
export type { HealthHandler, HealthHandlerOptions } from './health/health-handler.js'
export { Counter } from './stm/counter.js'
export { Election } from './election/election.js'
export type { CampaignOptions, Candidate, ElectionOptions, LeaderWhileOptions } from './election/election.js'
export type { LeaderProof, Leadership } from './election/leadership.js'
export type { ContenderOptions, LockOptions } from './lock/contender.js'
export type { Contestant } from './lock/contestant.js'
export type { Hold } from './lock/hold.js'
export { Mutex } from './lock/mutex.js'
export type { Lock, MutexOptions } from './lock/mutex.js'
export type { WaitOptions } from './patience.js'
export { Queue } from './queue/queue.js'
export type {
  QueueAddOptions,
  QueueConsumeOptions,
  QueueItemsOptions,
  QueueListOptions,
  QueuedItem,
  QueueTakeOptions,
} from './queue/queue.js'
export type { QueueCompletion, QueueItem } from './queue/queue-item.js'
export { RWLock } from './lock/rw-lock.js'
export type { ReaderOrWriter, RWLockOptions } from './lock/rw-lock.js'
export { Semaphore } from './lock/semaphore.js'
export type { Permit, SemaphoreOptions } from './lock/semaphore.js'
export { Session } from './session/session.js'
export type { SessionOptions } from './session/session.js'
export { stm } from './stm/stm.js'
export type { StmCommit, StmOptions, StmWork } from './stm/stm.js'
export type { StmPutOptions, StmRangeOptions, StmTransaction } from './stm/stm-transaction.js'
export { Scheduler } from './schedule/scheduler.js'
export type { SchedulerOptions } from './schedule/scheduler.js'
export type { Completion } from './schedule/claim.js'
export type { Firing } from './schedule/firing.js'
export type { FiringStatus, JobStatus } from './schedule/job-list.js'
export type { JobOptions } from './schedule/job-options.js'
export type { JobPromise } from './schedule/job-record.js'
export type { CronSchedule, IntervalSchedule, ScheduleOptions } from './schedule/schedule.js'
export type { JobFailure, JobFunction } from './schedule/run-firing.js'
export type { ScheduledJob } from './schedule/scheduled-job.js'
export { Registry } from './registry/registry.js'
export type { RegisterOptions } from './registry/registry.js'
export type { Registration } from './registry/registration.js'
export type { Instance, InstanceDescription, NewInstance } from './registry/instance.js'
export type { InstanceChange, LiveSet } from './registry/live-set.js'

/** Recipes: what is built from the Store contract alone, and so runs over every store that keeps it. */
export { Barrier } from './barrier.js'
export type { BarrierHoldOptions } from './barrier.js'
export { CachedView } from './cached-view.js'
export type { ViewGetOptions } from './cached-view.js'
export type { ViewChange, ViewChanges, ViewDelete, ViewPut, ViewUnreadable } from './view-change.js'
export type { ViewFailure } from './view-contents.js'
export type { Decode, DecodedViewOptions, ViewChangesOptions, ViewOptions } from './view-options.js'
export { Configuration } from './configuration.js'
export type { ConfigurationState, InvalidConfiguration, SetOptions } from './configuration.js'
export type { ConfigurationOptions } from './configuration-options.js'
export type { SchemaInput, SchemaIssue, SchemaOutput, SchemaResult, StandardSchema } from './standard-schema.js'
export { healthHandler } from './health-handler.js'
export type { HealthHandler, HealthHandlerOptions } from './health-handler.js'
export { Counter } from './counter.js'
export { Election } from './election.js'
export type { CampaignOptions, ElectionOptions, Leadership } from './election.js'
export type { ContenderOptions, LockOptions } from './contender.js'
export type { Contestant } from './contestant.js'
export type { Hold } from './hold.js'
export { Mutex } from './mutex.js'
export type { Lock, MutexOptions } from './mutex.js'
export type { WaitOptions } from './patience.js'
export { Queue } from './queue.js'
export type {
  QueueAddOptions,
  QueueConsumeOptions,
  QueueItemsOptions,
  QueueListOptions,
  QueuedItem,
  QueueTakeOptions,
} from './queue.js'
export type { QueueCompletion, QueueItem } from './queue-item.js'
export { Session } from './session.js'
export type { SessionOptions } from './session.js'
export { stm } from './stm.js'
export type { StmCommit, StmOptions, StmWork } from './stm.js'
export type { StmPutOptions, StmRangeOptions, StmTransaction } from './stm-transaction.js'

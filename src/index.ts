/** Quorate: etcd that you import. */
export { open } from './store/open.js'
export type {
  AuthOptions,
  AutoCompaction,
  BackupOptions,
  JwtOptions,
  JwtSignMethod,
  MemberEvent,
  MemberEventType,
  OpenOptions,
  ScrubOptions,
  ScryptParameters,
} from './store/options.js'
export { dnsSrv } from './store/dns-srv.js'
export type { DnsSrvOptions, SrvRecord } from './store/dns-srv.js'
export { restore } from './store/restore.js'
export type { Restored, RestoreOptions } from './store/restore.js'
export { saveSnapshot } from './store/save-snapshot.js'
export type { SaveSnapshotOptions } from './store/save-snapshot.js'
export { snapshotStatus } from './store/snapshot-status.js'
export type { SnapshotSource } from './store/restore.js'
export type { SnapshotInfo, SnapshotStatus } from './store/snapshot-status.js'
export { compare, del, get, put, txn } from './api/operations.js'
export type {
  Compare,
  CompareBuilder,
  CompareOf,
  DeleteOptions,
  DeleteRequest,
  GuardedTransaction,
  Operation,
  PutOptions,
  PutRequest,
  RangeRequest,
  ReadOptions,
  Sort,
  Relation,
  Revision,
  Transaction,
  TransactionOperation,
} from './api/operations.js'
export type { Health, HealthCode, HealthReason } from './api/health.js'
export type { BackupsStatus, LastBackup } from './api/backups-status.js'
export type { ScrubPass, ScrubStatus } from './api/scrub-status.js'
export type { Gauges, Listen, Measurement, Operations, Telemetry } from './api/telemetry.js'
export { KeyValue } from './api/key-value.js'
export type { Selection } from './api/key-value.js'
export type { LeaseKey } from './api/lease-key.js'
export type {
  Alarm,
  AlarmSelection,
  AlarmType,
  HashOptions,
  HashResult,
  Maintenance,
  PrefixLimits,
  PrefixQuota,
  Sizes,
  SnapshotOptions,
  StateDigest,
  Statistics,
  StatisticsOptions,
} from './api/maintenance.js'
export type {
  AddMemberOptions,
  Announcement,
  Cluster,
  ClusterMember,
  ListMembersOptions,
  MemberChangeOptions,
  MemberProgress,
  MemberRole,
  MemberSelection,
  NewMember,
} from './api/cluster.js'
export type { MemberId } from './api/member-id.js'
export type { Auth, AuthStatus, Caller, Permission, PermissionType, Roles, Users, Whoami } from './api/auth.js'
export type {
  CallOptions,
  CompactOptions,
  Consistency,
  DeletedKey,
  DeleteEvent,
  DeleteOperationResult,
  DeleteResult,
  DiskStatus,
  EventLoopStatus,
  GetOptions,
  Lease,
  Leases,
  LeaseStatus,
  ListLeasesOptions,
  OperationResult,
  PutEvent,
  PutOperationResult,
  PutResult,
  RangeOperationResult,
  RangeOptions,
  RangeResult,
  Store,
  StoreEvents,
  StorePosition,
  StoreStatus,
  TimeToLiveOptions,
  TransactionOperationResult,
  TransactionResult,
  Watch,
  WatchBatch,
  WatchEvent,
  WatchOptions,
  WatchTurns,
} from './api/store.js'
export { AssertionError } from './base/assert.js'
export type { BytesLike } from './base/bytes.js'
export type { Cancel, Clock, Environment, Timers } from './base/clock.js'
export type { ApplySpan, HoldSpan, ProposeSpan, ReadSpan, SpanChannel, Spans, WatchSpan } from './base/spans.js'
export { ERRORS, isStoreError, StoreError } from './base/errors.js'
export type { ErrorCode, Outcome } from './base/errors.js'
export { LIMITS } from './base/limits.js'
export type { FormerCluster } from './base/former-cluster.js'
export type { LeaseId } from './base/lease-id.js'
export type { LogFields, Logger } from './base/logger.js'
export type { Random } from './base/random.js'
export {
  Barrier,
  CachedView,
  Configuration,
  Counter,
  DoubleBarrier,
  Election,
  healthHandler,
  Mutex,
  Queue,
  RWLock,
  Scheduler,
  Semaphore,
  Registry,
  Session,
  stm,
} from './recipes/index.js'
export type {
  BarrierHoldOptions,
  CampaignOptions,
  Candidate,
  Completion,
  ConfigurationOptions,
  ConfigurationState,
  ContenderOptions,
  Contestant,
  CronSchedule,
  Decode,
  DecodedViewOptions,
  DoubleBarrierOptions,
  DoubleBarrierParties,
  ElectionOptions,
  Firing,
  FiringStatus,
  HealthHandler,
  HealthHandlerOptions,
  Hold,
  Instance,
  InstanceChange,
  InstanceDescription,
  IntervalSchedule,
  InvalidConfiguration,
  JobFailure,
  JobFunction,
  JobOptions,
  JobPromise,
  JobStatus,
  LeaderProof,
  Leadership,
  LeaderWhileOptions,
  LiveSet,
  Lock,
  LockOptions,
  MutexOptions,
  NewInstance,
  Party,
  Permit,
  QueueAddOptions,
  QueueCompletion,
  QueueConsumeOptions,
  QueuedItem,
  QueueItem,
  QueueItemsOptions,
  QueueListOptions,
  QueueTakeOptions,
  ReaderOrWriter,
  RegisterOptions,
  Registration,
  RWLockOptions,
  ScheduledJob,
  ScheduleOptions,
  SchedulerOptions,
  SchemaInput,
  SchemaIssue,
  SchemaOutput,
  SchemaResult,
  SemaphoreOptions,
  SessionOptions,
  SetOptions,
  StandardSchema,
  StmCommit,
  StmOptions,
  StmPutOptions,
  StmRangeOptions,
  StmTransaction,
  StmWork,
  ViewChange,
  ViewChanges,
  ViewChangesOptions,
  ViewDelete,
  ViewFailure,
  ViewGetOptions,
  ViewOptions,
  ViewPut,
  ViewUnreadable,
  WaitOptions,
} from './recipes/index.js'
export { abstractLevelDisk } from './storage/abstract-level-disk.js'
export type { AbstractLevelDiskOptions, DatabaseOrder } from './storage/abstract-level-disk.js'
export type { AnyLevel } from './storage/any-level.js'
export type { ReadSync } from './storage/brought-database.js'
export type { BackupFolder } from './storage/backup-folder.js'
export { levelDisk } from './storage/level-disk.js'
export { memoryDisk } from './storage/memory-disk.js'
export type { Disk } from './storage/disk.js'
export { MemoryNetwork } from './transport/memory.js'
export type { TlsOptions } from './transport/tls-options.js'
export type { Transport } from './transport/transport.js'

/**
 * The one table of operating errors. It yields the class, the docs page, and later the gRPC status and etcd's text.
 *
 * Always: an error is recognised by `code`, never by its message or only by `instanceof` (two copies of the package may
 * meet in one process). `outcome` says what became of the call: `refused` means that it had and will have no effect,
 * `unknown` that it may take effect now, later, or never.
 */

type Grpc =
  | 'INVALID_ARGUMENT'
  | 'OUT_OF_RANGE'
  | 'NOT_FOUND'
  | 'FAILED_PRECONDITION'
  | 'PERMISSION_DENIED'
  | 'UNAUTHENTICATED'
  | 'RESOURCE_EXHAUSTED'
  | 'UNAVAILABLE'
  | 'CANCELED'
  | 'DEADLINE_EXCEEDED'
  | 'DATA_LOSS'
  | 'UNKNOWN'

interface ErrorRow {
  /** gRPC status that a remote client sees. */
  readonly grpc: Grpc
  /** etcd's text for the same condition, where etcd has one: its clients match on it. */
  readonly etcd?: string
  /** Whether the same call may succeed when it is simply made again. */
  readonly retryable: boolean
  /** When a user meets it and what to do, for the docs page. */
  readonly doc: string
}

export const ERRORS = {
  EMPTY_KEY: {
    grpc: 'INVALID_ARGUMENT',
    etcd: 'etcdserver: key is not provided',
    retryable: false,
    doc: 'A key is empty. Keys have at least one byte.',
  },
  KEY_NOT_FOUND: {
    grpc: 'INVALID_ARGUMENT',
    etcd: 'etcdserver: key not found',
    retryable: false,
    doc: '`ignoreValue` or `ignoreLease` was asked for a key that does not exist.',
  },
  VALUE_PROVIDED: {
    grpc: 'INVALID_ARGUMENT',
    etcd: 'etcdserver: value is provided',
    retryable: false,
    doc: 'A value was given together with `ignoreValue`. Give an empty one.',
  },
  LEASE_PROVIDED: {
    grpc: 'INVALID_ARGUMENT',
    etcd: 'etcdserver: lease is provided',
    retryable: false,
    doc: 'A lease was given together with `ignoreLease`.',
  },
  TOO_MANY_OPERATIONS: {
    grpc: 'INVALID_ARGUMENT',
    etcd: 'etcdserver: too many operations in txn request',
    retryable: false,
    doc: 'A transaction has more compares or operations in a branch than the limit, or touches more keys. Split it.',
  },
  DUPLICATE_KEY: {
    grpc: 'INVALID_ARGUMENT',
    etcd: 'etcdserver: duplicate key given in txn request',
    retryable: false,
    doc: 'One branch of a transaction changes the same key twice.',
  },
  REQUEST_TOO_LARGE: {
    grpc: 'INVALID_ARGUMENT',
    etcd: 'etcdserver: request is too large',
    retryable: false,
    doc: 'A key, a value or a whole request is over its limit. Store large data elsewhere and keep a reference here.',
  },
  RESPONSE_TOO_LARGE: {
    grpc: 'RESOURCE_EXHAUSTED',
    retryable: false,
    doc: 'The answer is over its limit. Read it in parts with `limit`. A write was done all the same: `outcome` is `unknown`, and the message names its revision.',
  },
  INVALID_REVISION: {
    grpc: 'INVALID_ARGUMENT',
    retryable: false,
    doc: 'A revision is negative or not a whole number. Revisions start at 1; leave it out to read the latest.',
  },
  COMPACTED: {
    grpc: 'OUT_OF_RANGE',
    etcd: 'etcdserver: mvcc: required revision has been compacted',
    retryable: false,
    doc: 'History at this revision was compacted away. `compactRevision` holds the oldest revision that can still be read.',
  },
  FUTURE_REVISION: {
    grpc: 'OUT_OF_RANGE',
    etcd: 'etcdserver: mvcc: required revision is a future revision',
    retryable: false,
    doc: 'The revision has not happened yet.',
  },
  LEASE_NOT_FOUND: {
    grpc: 'NOT_FOUND',
    etcd: 'etcdserver: requested lease not found',
    retryable: false,
    doc: 'The lease expired, was revoked or never existed. Grant a new one.',
  },
  LEASE_EXISTS: {
    grpc: 'FAILED_PRECONDITION',
    etcd: 'etcdserver: lease already exists',
    retryable: false,
    doc: 'The lease id is in use.',
  },
  LEASE_TTL_TOO_LARGE: {
    grpc: 'OUT_OF_RANGE',
    etcd: 'etcdserver: too large lease TTL',
    retryable: false,
    doc: 'A lease may live at most 9,000,000,000 seconds.',
  },
  NO_SPACE: {
    grpc: 'RESOURCE_EXHAUSTED',
    etcd: 'etcdserver: mvcc: database space exceeded',
    retryable: false,
    doc: 'A member is over its quota (`quotaBytes`), or would be with this request, or less is free on its disk than the reserve (`diskReserveBytes`); puts, transactions with a put and new leases are refused on all members. Delete what is not needed and compact, or make room on the disk, then `maintenance.disarm()`: see OPERATING.md.',
  },
  CORRUPT: {
    grpc: 'DATA_LOSS',
    etcd: 'etcdserver: corrupt cluster',
    retryable: false,
    doc: 'The alarm CORRUPT is active: a check found that members hold different states, or a cluster of one found damage on its disk. Nothing is changed until it is disarmed; reads still answer, and may differ from member to member. See OPERATING.md.',
  },
  PREFIX_QUOTA_EXCEEDED: {
    grpc: 'RESOURCE_EXHAUSTED',
    retryable: false,
    doc: 'The write would take a prefix over its quota (`maintenance.setPrefixQuota()`); nothing was written. Delete something under that prefix, or raise the quota.',
  },
  LIMIT_EXCEEDED: {
    grpc: 'RESOURCE_EXHAUSTED',
    retryable: false,
    doc: 'There are as many active alarms, or quotas of prefixes, as there may be: disarm or end some. Or the last revision was given to a write: nothing can be changed any more, read what is there and put it into a new cluster.',
  },
  USER_EMPTY: {
    grpc: 'INVALID_ARGUMENT',
    etcd: 'etcdserver: user name is empty',
    retryable: false,
    doc: 'Authorization is enabled and the call names no user: log in first. Or a user was to be added without a name.',
  },
  USER_EXISTS: {
    grpc: 'FAILED_PRECONDITION',
    etcd: 'etcdserver: user name already exists',
    retryable: false,
    doc: 'There is a user of this name already.',
  },
  USER_NOT_FOUND: {
    grpc: 'FAILED_PRECONDITION',
    etcd: 'etcdserver: user name not found',
    retryable: false,
    doc: 'There is no user of this name.',
  },
  ROLE_EMPTY: {
    grpc: 'INVALID_ARGUMENT',
    etcd: 'etcdserver: role name is empty',
    retryable: false,
    doc: 'A role was to be added without a name.',
  },
  ROLE_EXISTS: {
    grpc: 'FAILED_PRECONDITION',
    etcd: 'etcdserver: role name already exists',
    retryable: false,
    doc: 'There is a role of this name already.',
  },
  ROLE_NOT_FOUND: {
    grpc: 'FAILED_PRECONDITION',
    etcd: 'etcdserver: role name not found',
    retryable: false,
    doc: 'There is no role of this name.',
  },
  ROLE_NOT_GRANTED: {
    grpc: 'FAILED_PRECONDITION',
    etcd: 'etcdserver: role is not granted to the user',
    retryable: false,
    doc: 'The user does not have the role that was to be taken away.',
  },
  PERMISSION_NOT_GIVEN: {
    grpc: 'INVALID_ARGUMENT',
    etcd: 'etcdserver: permission not given',
    retryable: false,
    doc: 'A permission was to be granted, but none was named.',
  },
  PERMISSION_NOT_GRANTED: {
    grpc: 'FAILED_PRECONDITION',
    etcd: 'etcdserver: permission is not granted to the role',
    retryable: false,
    doc: 'The role has no permission for exactly this key and range end. `role get` lists those it has.',
  },
  PERMISSION_DENIED: {
    grpc: 'PERMISSION_DENIED',
    etcd: 'etcdserver: permission denied',
    retryable: false,
    doc: 'The roles of the user do not cover all that the call would read or write, in every branch of a transaction and among the keys of a lease too. Nothing was done. Grant a role the missing range, or ask for less.',
  },
  ROOT_USER_MISSING: {
    grpc: 'FAILED_PRECONDITION',
    etcd: 'etcdserver: root user does not exist',
    retryable: false,
    doc: 'Authorization cannot be enabled without a user `root`: nobody could disable it again.',
  },
  ROOT_ROLE_MISSING: {
    grpc: 'FAILED_PRECONDITION',
    etcd: 'etcdserver: root user does not have root role',
    retryable: false,
    doc: 'Authorization cannot be enabled before the user `root` has the role `root`.',
  },
  AUTH_NOT_ENABLED: {
    grpc: 'FAILED_PRECONDITION',
    etcd: 'etcdserver: authentication is not enabled',
    retryable: false,
    doc: 'There is nothing to log in to: authorization is not enabled.',
  },
  AUTH_FAILED: {
    grpc: 'INVALID_ARGUMENT',
    etcd: 'etcdserver: authentication failed, invalid user ID or password',
    retryable: false,
    doc: 'The user does not exist or the password is wrong; which of the two is not told.',
  },
  NO_PASSWORD_USER: {
    grpc: 'UNKNOWN',
    etcd: 'auth: authentication failed, password was given for no password user',
    retryable: false,
    doc: 'The user was added without a password and cannot log in with one, only by a certificate.',
  },
  AUTH_TOKEN_INVALID: {
    grpc: 'UNAUTHENTICATED',
    etcd: 'etcdserver: invalid auth token',
    retryable: false,
    doc: 'The token is unknown, expired or not signed by this cluster. Log in again.',
  },
  AUTH_REVISION_OLD: {
    grpc: 'INVALID_ARGUMENT',
    etcd: 'etcdserver: revision of auth store is old',
    retryable: false,
    doc: 'Users, roles or permissions changed since the token was signed or the caller was identified. The same token is refused again: log in, and make the call with the new token. The call had no effect.',
  },
  AUTH_MANAGEMENT_INVALID: {
    grpc: 'INVALID_ARGUMENT',
    etcd: 'etcdserver: invalid auth management',
    retryable: false,
    doc: 'The user or role `root` cannot be taken away while authorization is enabled, or the range of a permission holds no key: its key is empty, or its end is not behind it.',
  },
  AUTH_LIMIT_EXCEEDED: {
    grpc: 'RESOURCE_EXHAUSTED',
    retryable: false,
    doc: 'Users, roles, the roles of a user or the permissions of a role are at their limit. Merge neighbouring permissions into a range or a prefix.',
  },
  PASSWORD_INVALID: {
    grpc: 'INVALID_ARGUMENT',
    retryable: false,
    doc: 'A password is empty or over its limit. It was not hashed.',
  },
  NO_LEADER: {
    grpc: 'UNAVAILABLE',
    etcd: 'etcdserver: no leader',
    retryable: true,
    doc: 'Between members only: the one that was asked does not lead. Callers are not told it; without a leader their calls end with `TIMEOUT`.',
  },
  TIMEOUT: {
    grpc: 'UNAVAILABLE',
    etcd: 'etcdserver: request timed out',
    retryable: true,
    doc: 'The deadline passed. For a write, `outcome` says whether it may still take effect. From `cluster.moveLeader()` also: the member that was named did not take over within an election timeout, and the leader goes on.',
  },
  ABORTED: {
    grpc: 'CANCELED',
    etcd: 'etcdserver: request canceled',
    retryable: false,
    doc: 'The `signal` given with the call was aborted; `cause` holds its reason.',
  },
  CLOSED: {
    grpc: 'UNAVAILABLE',
    etcd: 'etcdserver: server stopped',
    retryable: false,
    doc: 'The store is closing or closed. Where the outcome is `refused` the call had no effect: make it on another member.',
  },
  MEMBER_FAILED: {
    grpc: 'UNAVAILABLE',
    retryable: false,
    doc: 'This member stopped itself after a failure of its disk or a broken invariant; `cause` holds it. Restart it, and read its log first.',
  },
  MEMBER_REMOVED: {
    grpc: 'UNAVAILABLE',
    retryable: false,
    doc: 'This member was removed from the cluster and has ended. Its directory is of no further use: remove it. To come back, the process joins as a new member, in an empty directory.',
  },
  MEMBER_NOT_FOUND: {
    grpc: 'NOT_FOUND',
    etcd: 'etcdserver: member not found',
    retryable: false,
    doc: 'No member of the cluster has this id or name.',
  },
  MEMBER_EXISTS: {
    grpc: 'FAILED_PRECONDITION',
    etcd: 'etcdserver: member ID already exist',
    retryable: false,
    doc: 'A member has this id or name already, or one that was removed had this id: ids are not used again.',
  },
  ADDRESS_TAKEN: {
    grpc: 'FAILED_PRECONDITION',
    etcd: 'etcdserver: Peer URLs already exists',
    retryable: false,
    doc: 'Another member has this address already. Remove that one first, or give the address that the new one really has.',
  },
  NOT_A_LEARNER: {
    grpc: 'FAILED_PRECONDITION',
    etcd: 'etcdserver: can only promote a learner member',
    retryable: false,
    doc: 'The member that was to be promoted votes already.',
  },
  LEARNER_NOT_READY: {
    grpc: 'FAILED_PRECONDITION',
    etcd: 'etcdserver: can only promote a learner member which is in sync with leader',
    retryable: true,
    doc: 'The learner that was to be promoted does not answer, or has not caught up with the leader: as a voter it would hold up every write. Start it, wait, and promote it then.',
  },
  TOO_MANY_MEMBERS: {
    grpc: 'FAILED_PRECONDITION',
    etcd: 'etcdserver: too many learner members in cluster',
    retryable: false,
    doc: 'The cluster has as many members, learners included, as it may have. Remove one first.',
  },
  QUORUM_AT_RISK: {
    grpc: 'FAILED_PRECONDITION',
    etcd: 'etcdserver: re-configuration failed due to not enough started members',
    retryable: true,
    doc: 'With this change too few voters would be there that answer and keep their promises: the cluster could not go on, and could not even undo it. The message has the numbers. Start or replace those that are down first; to remove one that is down is possible, as long as the others are a quorum without it. A member is given another address only where that holds too, since nobody knows yet whether it will be found there: of two members neither is, add a third one first.',
  },
  MEMBERS_TOO_OLD: {
    grpc: 'FAILED_PRECONDITION',
    retryable: true,
    doc: 'A member of the cluster runs a version that knows nothing of changes of the membership. Upgrade all members first; nothing was changed.',
  },
  TRANSFEREE_INVALID: {
    grpc: 'FAILED_PRECONDITION',
    etcd: 'etcdserver: bad leader transferee',
    retryable: false,
    doc: 'Leadership cannot be handed to that member: it is no voter, does not answer, or has lost its promises; or there is no other voter.',
  },
  TOO_MANY_REQUESTS: {
    grpc: 'RESOURCE_EXHAUSTED',
    etcd: 'etcdserver: too many requests',
    retryable: true,
    doc: 'More calls wait than the limit allows. Slow down and try again.',
  },
  PROPOSAL_EXPIRED: {
    grpc: 'UNAVAILABLE',
    retryable: true,
    doc: 'The proposal fell out of the window within which it can be told from its own repetition, and was refused.',
  },
  DATA_DIR_IN_USE: {
    grpc: 'FAILED_PRECONDITION',
    retryable: false,
    doc: 'Another process has this data directory open. One process per directory.',
  },
  WRONG_CLUSTER: {
    grpc: 'FAILED_PRECONDITION',
    etcd: 'etcdserver: cluster ID mismatch',
    retryable: false,
    doc: 'The data directory, or the peer, belongs to another cluster.',
  },
  WRONG_MEMBER: {
    grpc: 'FAILED_PRECONDITION',
    retryable: false,
    doc: 'The data directory, or the peer, belongs to another member of this cluster.',
  },
  FORMAT_TOO_NEW: {
    grpc: 'FAILED_PRECONDITION',
    retryable: false,
    doc: 'A newer version wrote this data directory or snapshot. Run that version or a later one; nothing was changed.',
  },
  DATA_DAMAGED: {
    grpc: 'DATA_LOSS',
    retryable: false,
    doc: 'Records on disk fail their checksum, are missing, or are behind what this member acknowledged, and there is no other member to get them from: it does not start, or the read fails. The files are kept as they were before the open, in `before-open/` within the data directory where opening may have changed them. Do not repair them, and do not put an older copy or an empty directory in their place: see OPERATING.md.',
  },
  NO_DATA: {
    grpc: 'NOT_FOUND',
    retryable: false,
    doc: 'What was named as a data directory holds no data of a member: it does not exist, is empty or a file, or holds something else. The message says what is there.',
  },
  STATE_REPLACED: {
    grpc: 'UNAVAILABLE',
    retryable: true,
    doc: 'This member takes over a whole state from its leader, since its own was damaged, lost or too far behind. Of a read: ask again, or ask another member. Of a write with the outcome `unknown`: it took effect or was refused among the entries that the state came in place of; read to find out.',
  },
  DISK_FAILED: {
    grpc: 'UNAVAILABLE',
    retryable: false,
    doc: 'The disk did not do what it was asked. On open: no permission (make the process own the directory, writable), a path that is a file, a read-only or full file system, too many open files (raise `ulimit -n`); the message names the file, and open succeeds once that is mended. While running: a write or a sync failed, or did not end within `diskTimeoutMs`, or the data directory was removed or replaced under the member (noticed with the next write of its state, when it closes, or after 32 writes of its log at the latest: a quiet member goes on for as long, and up to 31 writes may be acknowledged). It stops, since a failed sync cannot be repeated safely: mend the cause, then restart it. From `close()`: the disk does not answer, and the directory stays locked until the process ends.',
  },
  SNAPSHOT_DAMAGED: {
    grpc: 'DATA_LOSS',
    retryable: false,
    doc: 'A snapshot is no snapshot, was cut, or holds other bytes than were written; the message says where. Nothing was restored from it. Take another one, or use an older one.',
  },
  CLUSTER_ID_REUSED: {
    grpc: 'FAILED_PRECONDITION',
    retryable: false,
    doc: 'A snapshot was to be restored under the ids of the cluster or the members that it was taken of, which may still be running: old and new members would take each other for their own. Give a `clusterToken` of its own.',
  },
  ALREADY_EXISTS: {
    grpc: 'FAILED_PRECONDITION',
    retryable: false,
    doc: 'The file that was to be written, or the data directory that was to be made, is there already and holds something; or the file would lie in the data directory of a member, where snapshots are never written. Nothing was changed.',
  },
  ADDRESS_IN_USE: {
    grpc: 'FAILED_PRECONDITION',
    retryable: false,
    doc: 'The address to listen on is taken by another process.',
  },
  JOIN_FAILED: {
    grpc: 'UNAVAILABLE',
    retryable: true,
    doc: '`open({ join })` was not let into the cluster within LIMITS.joinMsMax, or can never be: the message has what each address said. Nothing was made on disk. Add the member first (`store.cluster.add()` on any other, with the same name and address), check that the addresses are those of members that run, and start it again.',
  },
  DISCOVERY_FAILED: {
    grpc: 'UNAVAILABLE',
    retryable: true,
    doc: 'The function that was to name the other members (`cluster` or `join` of `open()`, as `dnsSrv()` makes them) failed, took longer than LIMITS.joinMsMax, or returned something else; `cause` holds what it threw.',
  },
  ADDRESS_INVALID: {
    grpc: 'INVALID_ARGUMENT',
    retryable: false,
    doc: 'An address is not of the form host:port, or cannot be listened on.',
  },
  TLS_REQUIRED: {
    grpc: 'FAILED_PRECONDITION',
    retryable: false,
    doc: 'Without `tls` peers are neither encrypted nor authenticated, so listening beyond this machine would let anybody on the network pose as a member. Give it `tls`, listen on a loopback address, or set `insecure: true` where nobody else can reach the port.',
  },
  TLS_INVALID: {
    grpc: 'FAILED_PRECONDITION',
    retryable: false,
    doc: 'Certificate, key or authorities of `tls` cannot be read, or do not fit together. The message says which and why.',
  },
  UNKNOWN_PEER: {
    grpc: 'FAILED_PRECONDITION',
    retryable: false,
    doc: 'A peer presented an id that is not a member of this cluster.',
  },
  REMOVED: {
    grpc: 'FAILED_PRECONDITION',
    retryable: false,
    doc: 'Between members only: the peer that was called says that this member was removed from the cluster.',
  },
  DUPLICATE_MEMBER: {
    grpc: 'FAILED_PRECONDITION',
    retryable: false,
    doc: 'Between members only: another process that runs as the same member is connected already. Two copies of one data directory are running: stop one of them, and never start it again with that copy.',
  },
  CERTIFICATE_REFUSED: {
    grpc: 'FAILED_PRECONDITION',
    retryable: false,
    doc: 'Between members only: the certificate of a caller is not one of the member that it says it is. It must be valid for the host of the address under which the cluster knows that member, and for one of `allowedNames` where they are given.',
  },
  UNREACHABLE: {
    grpc: 'UNAVAILABLE',
    retryable: true,
    doc: 'A question to an address had no answer: nobody listens there, the connection broke, or whoever listens does not answer. The message says which. Check the address, and that a member runs there.',
  },
  NOT_SUPPORTED: {
    grpc: 'FAILED_PRECONDITION',
    etcd: 'etcdserver: not capable',
    retryable: false,
    doc: "The server that was asked cannot do this: etcd's protocol, through which `connect()` reaches it, has nothing of the kind, or its version is too old. Nothing was changed.",
  },
  SERVER_ERROR: {
    grpc: 'UNKNOWN',
    retryable: false,
    doc: 'The server that was asked answered with an error that has no code here; the message is its text. Look into its log.',
  },
  FRAME_TOO_LARGE: {
    grpc: 'RESOURCE_EXHAUSTED',
    retryable: false,
    doc: 'A frame announces more bytes than the limit; its connection is closed before anything is allocated.',
  },
  MALFORMED: {
    grpc: 'INVALID_ARGUMENT',
    retryable: false,
    doc: 'Bytes do not decode: wrong magic, checksum, length or value.',
  },
  VERSION_UNSUPPORTED: {
    grpc: 'FAILED_PRECONDITION',
    retryable: false,
    doc: 'The peer speaks no protocol version that this one speaks.',
  },
  TRANSACTION_CONFLICT: {
    grpc: 'FAILED_PRECONDITION',
    retryable: true,
    doc: 'The work of `stm()` was run as often as it may be, and each time others changed what it had read before it could commit. Nothing was written. The message says how often, and which key was in the way the last time: read less, spread what is written over more keys, or give `tries`.',
  },
  NOT_A_COUNTER: {
    grpc: 'FAILED_PRECONDITION',
    retryable: false,
    doc: 'The key of a counter holds something else than a whole number: somebody else wrote it. Nothing was changed.',
  },
  COUNTER_OVERFLOW: {
    grpc: 'OUT_OF_RANGE',
    retryable: false,
    doc: 'The counter would leave the numbers that are exact, -(2^53 - 1) to 2^53 - 1. It keeps its value.',
  },
  LOCK_LOST: {
    grpc: 'FAILED_PRECONDITION',
    retryable: true,
    doc: 'The lock or leadership is no longer held: its lease ended or its key was removed.',
  },
  LOCK_BUSY: {
    grpc: 'FAILED_PRECONDITION',
    retryable: true,
    doc: 'The lock or leadership is already taken or waited for through this object, and would wait for itself. Make one object for each task that contends; within a task, pass the lock on that it has.',
  },
  VIEW_STALE: {
    grpc: 'UNAVAILABLE',
    retryable: true,
    doc: 'A value was asked of a `CachedView` with `staleMsMax`, and the view was last known to be up to date longer ago: its member is cut off, or the cluster has no quorum. The message has the numbers. Go on without the value, or read it from the store.',
  },
  VIEW_TOO_LARGE: {
    grpc: 'RESOURCE_EXHAUSTED',
    retryable: false,
    doc: 'The selection of a `CachedView` holds more keys or bytes than the view may. Select less, or open it with a larger `keysMax` or `bytesMax`. A view that is open already shows what it last could, grows stale and has this as its `trouble`, until there is room again.',
  },
  CONFIGURATION_INVALID: {
    grpc: 'FAILED_PRECONDITION',
    retryable: false,
    doc: 'A `Configuration` cannot be opened: what is stored is missing or not valid by its schema, no earlier version that can still be read is, and there is no `fallback`. The message says what is wrong with it, and `cause` holds the issues. Store a valid value, or open it with a `fallback`.',
  },
  CONFIGURATION_CHANGED: {
    grpc: 'FAILED_PRECONDITION',
    retryable: false,
    doc: '`set()` of a `Configuration` was called with `ifRevision`, and the stored value is of another revision: somebody else changed it. Nothing was written. Look at what it is now, and decide again.',
  },
} as const satisfies Record<string, ErrorRow>

/** The stable name of an operating error. */
export type ErrorCode = keyof typeof ERRORS

/** What became of a call that failed: it had no effect, or it may take effect now, later, or never. */
export type Outcome = 'refused' | 'unknown'

export interface StoreErrorOptions {
  readonly outcome?: Outcome
  readonly cause?: unknown
  /** For `COMPACTED`: the oldest revision that can still be read. */
  readonly compactRevision?: number
}

/**
 * An operating error. Match on `code`, not on the text.
 *
 * @example
 * if (isStoreError(error, 'COMPACTED')) restartFrom(error.compactRevision)
 */
export class StoreError<Code extends ErrorCode = ErrorCode> extends Error {
  override readonly name = 'StoreError'
  readonly code: Code
  readonly outcome: Outcome
  readonly retryable: boolean
  /** With `COMPACTED`: the oldest revision that can be read. Undefined with any other code. */
  readonly compactRevision: number | undefined

  constructor(code: Code, message: string, options: StoreErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.outcome = options.outcome ?? 'refused'
    this.retryable = ERRORS[code].retryable
    this.compactRevision = options.compactRevision
  }
}

/**
 * Whether `error` is an operating error of ours, and of this code if one is given. Told by its shape, so that it holds
 * across copies of the package and across realms (test runners load modules in realms of their own).
 */
export function isStoreError<Code extends ErrorCode = ErrorCode>(
  error: unknown,
  code?: Code,
): error is StoreError<Code> {
  if (typeof error !== 'object' || error === null) return false
  const { name, code: found } = error as Partial<StoreError>
  if (name !== 'StoreError' || typeof found !== 'string' || !Object.hasOwn(ERRORS, found)) return false
  return code === undefined || found === code
}

/**
 * Every bound of the product, with its unit in its name and the error or behaviour at the bound.
 * Relations between them are asserted by a test, and docs/LIMITS.md is checked against this file.
 */

const KIBIBYTE = 1024
const MEBIBYTE = 1024 * KIBIBYTE

export const LIMITS = {
  /** A whole request as proposed, keys and values included (etcd's default). Over it: `REQUEST_TOO_LARGE`. */
  requestBytesMax: 1.5 * MEBIBYTE,
  /** One key. Over it: `REQUEST_TOO_LARGE`. */
  keyBytesMax: 64 * KIBIBYTE,
  /** Compares, or operations of one branch, in one transaction (etcd's default). Over it: `TOO_MANY_OPERATIONS`. */
  transactionOperationsMax: 128,
  /** How deep transactions may stand inside transactions. Over it: `TOO_MANY_OPERATIONS`. */
  transactionDepthMax: 8,
  /** Seconds a lease lives at least; who grants one through a member gets at least one and a half election timeouts. */
  leaseTtlSecondsMin: 1,
  /** Keys that the compares, puts, ranges and deletes of one transaction may touch, counted before it. Over it: `TOO_MANY_OPERATIONS`. A delete that is no transaction has no such limit. */
  transactionKeysMax: 10_000,
  /** Bytes of stored values that one transaction may have to read: to compare them, and to keep them with `ignoreValue`. Over it: `TOO_MANY_OPERATIONS`. */
  transactionValueBytesMax: 16 * MEBIBYTE,
  /** Seconds a lease may live (etcd's). Over it: `LEASE_TTL_TOO_LARGE`. */
  leaseTtlSecondsMax: 9_000_000_000,
  /** Leases that a leader revokes in one turn of its loop; further ones that are due wait. */
  leaseExpiriesPerTurnMax: 100,
  /** Leases that a leader revokes in a second (etcd's); further ones that are due live on for a while. */
  leaseExpiriesPerSecondMax: 1000,
  /** Milliseconds by which a change of leader lengthens a lease at most, besides an election timeout: the default of `leaseCheckpointIntervalMs`. */
  leaseCheckpointIntervalMs: 300_000,
  /** Leases whose remaining time one entry of the log tells (etcd's). */
  leaseCheckpointBatchMax: 1000,
  /** Leases whose remaining time a leader checkpoints in a second; renewals that have to be in the log are not counted. */
  leaseCheckpointsPerSecondMax: 10_000,
  /** Questions to the leader in one frame. */
  callBatchMax: 1000,

  /** Bytes of state that a member has in use before it raises the alarm NOSPACE, unless `open()` says otherwise (etcd's). Over it: `NO_SPACE`. */
  quotaBytes: 2048 * MEBIBYTE,
  /** A quota beyond this is warned of in the log when the store is opened (etcd's). */
  quotaBytesAdvised: 8192 * MEBIBYTE,
  /** Milliseconds between two passes of a member over all that is on its disk, unless `open()` says otherwise. */
  scrubIntervalMs: 24 * 3_600_000,
  /** Bytes of records that such a pass reads in a second, unless `open()` says otherwise. */
  scrubBytesPerSecondMax: 16 * MEBIBYTE,
  /** Milliseconds that such a pass may take by its rate, since it keeps what is overwritten meanwhile on disk: beyond, it reads faster. */
  scrubPassMsMax: 3_600_000,
  /** Milliseconds between two checks whether all members hold the same state, unless `open()` says otherwise. */
  checkIntervalMs: 10 * 60_000,
  /** The last revision there is: numbers are exact up to 2^53. At a million writes a second it is reached after 285 years. Over it: `LIMIT_EXCEEDED`. */
  revisionMax: 2 ** 53 - 2 ** 20,
  /** To which revision `bumpRevision` of a restore may raise: half of what there is stays for writes. Over it: RangeError. */
  bumpedRevisionMax: 2 ** 52,
  /** Quotas of prefixes; each write looks for those of its key. Over it: `LIMIT_EXCEEDED`. */
  prefixQuotasMax: 128,
  /** Alarms that are active at once: two kinds for each member. Over it: `LIMIT_EXCEEDED`. */
  alarmsMax: 128,

  /** UTF-8 bytes of the name of a user or a role. Over it: `REQUEST_TOO_LARGE`. */
  authNameBytesMax: 256,
  /** Users; deleting a role changes each who has it, in one step. Over it: `AUTH_LIMIT_EXCEEDED`. */
  authUsersMax: 10_000,
  /** Roles. Over it: `AUTH_LIMIT_EXCEEDED`. */
  authRolesMax: 10_000,
  /** Roles that one user has. Over it: `AUTH_LIMIT_EXCEEDED`. */
  authRolesPerUserMax: 256,
  /** Permissions that one role holds. Over it: `AUTH_LIMIT_EXCEEDED`. */
  authPermissionsPerRoleMax: 1024,
  /** Bytes of the keys and range ends of those: each change writes the role anew. Over it: `AUTH_LIMIT_EXCEEDED`. */
  authPermissionBytesPerRoleMax: 1 * MEBIBYTE,
  /** UTF-8 bytes of a password, checked before anything is computed from it. Over it: `PASSWORD_INVALID`. */
  passwordBytesMax: 1024,
  /** Bytes of memory that the parameters in a password hash may ask for, and so what checking one takes. Over it: `MALFORMED`. */
  passwordHashMemoryBytesMax: 256 * MEBIBYTE,
  /** Simple tokens that one member knows; beyond, the one that was not used for longest counts no more. */
  authTokensMax: 65_536,
  /** Bytes of a token that are looked at. Over it: `AUTH_TOKEN_INVALID`. */
  authTokenBytesMax: 8 * KIBIBYTE,
  /** Passwords of one member that wait to be hashed or checked, one at a time. Over it: `TOO_MANY_REQUESTS`. */
  passwordsWaitingMax: 64,

  /** Writes of one member that wait for their outcome; also the window in which a repetition is recognised. Over it: `TOO_MANY_REQUESTS`. */
  pendingProposalsMax: 16_384,
  /** Bytes of those writes. Over it: `TOO_MANY_REQUESTS`. */
  pendingProposalBytesMax: 64 * MEBIBYTE,
  /** Linearizable reads and other calls of one member that wait. Over it: `TOO_MANY_REQUESTS`. */
  pendingReadsMax: 65_536,
  /** Calls of one member that count keys at the same time. Over it: `TOO_MANY_REQUESTS`. */
  talliesMax: 64,
  /** One answer: keys and values, and 40 bytes for the numbers of each. Over it: `RESPONSE_TOO_LARGE`. */
  responseBytesMax: 64 * MEBIBYTE,
  /** Keys that a sorted range picks by the index alone, in one step; more are sorted as they are read. */
  planSortKeysMax: 65_536,
  /** Records read for an answer, or values copied for it, before timers and sockets get their turn. */
  readChunkRecordsMax: 256,
  /** Bytes of those, about: how large records are is seen when they are read. */
  readChunkBytes: 1 * MEBIBYTE,
  /** Hashes of one member's history that are computed, one at a time, or wait for it. Over it: `TOO_MANY_REQUESTS`. */
  hashesWaitingMax: 16,
  /** Bytes a leader may have in its log uncommitted before it refuses more. Over it: `TOO_MANY_REQUESTS`. */
  uncommittedBytesMax: 128 * MEBIBYTE,

  /** Bytes of the log that a member may have committed and not applied, since its disk does not keep up. Beyond, a leader takes no proposals (`TOO_MANY_REQUESTS` once too many wait), a follower no entries. */
  unappliedBytesMax: 64 * MEBIBYTE,

  /** Entries of one append message, in bytes; one entry always fits. */
  appendBytesMax: 1 * MEBIBYTE,
  /** Entries of one append message, which follows from its bytes: each counts 64 more than its data. Over it: `MALFORMED`. */
  appendEntriesMax: 16_384,
  /** Append messages on the way to one follower, unanswered. */
  inflightAppendsMax: 256,
  /** Bytes of those messages. */
  inflightAppendBytesMax: 16 * MEBIBYTE,
  /** Entries applied in one turn of the loop, in bytes, before timers and sockets get their turn. */
  applyBatchBytesMax: 1 * MEBIBYTE,

  /** Members of one cluster, learners included. Over it: `TOO_MANY_MEMBERS`. */
  membersMax: 64,
  /** Milliseconds that `connect()` gives one server to be reached, before it tries the next one. */
  clientConnectMsMax: 2000,
  /** Milliseconds before a client tries its servers again, when it has tried all of them; at most, and half of it by chance. */
  clientReconnectMsMin: 50,
  /** And at most. */
  clientReconnectMsMax: 1000,
  /** Milliseconds after which a client asks a server that says nothing whether it is there still. etcd allows no less than five seconds. */
  clientKeepAliveMs: 10_000,
  /** Milliseconds within which it has to answer. Over it: the connection is given up. */
  clientKeepAliveTimeoutMs: 10_000,
  /** Milliseconds between two looks of a client at the status of its server and the list of members: how old `status()` of `connect()` may be while nobody calls. */
  clientStatusMs: 5000,
  /** Times that a client logs in again within one call, since its token counts no more. Over it: what the token was refused with. */
  clientLoginsMax: 3,
  /** Bytes of a message that the server adds to an error in words of its own, over gRPC. Cut off there. */
  errorDetailBytesMax: 2048,
  /** Milliseconds that a change of members may take that waits for a newcomer (`add`, `replace`), unless the call says otherwise. Over it: `TIMEOUT`; what was done stays done. */
  memberChangeMs: 600_000,
  /** Milliseconds between two looks of such a call at how far the newcomer is. */
  memberChangeLookMs: 200,
  /** Milliseconds for which `open({ join })` asks to be let in, and a function that finds members may take. Over it: `JOIN_FAILED`, `DISCOVERY_FAILED`. */
  joinMsMax: 60_000,
  /** Milliseconds that one member may take to answer that question. */
  joinAnswerMsMax: 3_000,
  /** Milliseconds between two rounds of asking all addresses. */
  joinRetryMs: 500,
  /** Addresses that are asked. More: `RangeError`. */
  joinAddressesMax: 64,
  /** Questions that a member answers in a second; to further ones it says that it is busy, and they come again. */
  joinQuestionsPerSecondMax: 50,
  /** Ids of members that were removed, which never come back: the latest are known. Beyond: the oldest are forgotten. */
  removedMembersMax: 1024,
  /** Bytes of a member's name, and of its address. Over it: `REQUEST_TOO_LARGE`; in options of `open()`: `RangeError`. */
  memberTextBytesMax: 1024,
  /** URLs under which clients reach one member, as it announces; each as long as a member's address may be. More: `RangeError`. */
  clientUrlsMax: 16,
  /** Log entries kept in memory and on disk behind the applied state, for followers that lag. Beyond: trimmed. */
  logRetainBytes: 32 * MEBIBYTE,
  /** Changes buffered before the state is written; the log replays at most about twice this after a crash. */
  stateBufferBytesMax: 8 * MEBIBYTE,
  /** Bytes that are to stay free on the disk of a member, unless `open()` says otherwise; of a small disk a quarter of it. Below: the alarm NOSPACE, `NO_SPACE`. */
  diskReserveBytes: 64 * MEBIBYTE,
  /** The most that `open()` takes for that: more than a pebibyte is no disk, but a mistake. More: `RangeError`. */
  diskReserveBytesMax: 2 ** 50,
  /** Milliseconds between two looks at how much is free; fewer while much is written. */
  diskSpaceCheckMs: 1_000,
  /** Milliseconds that the disk may take for a write or a sync, unless `open()` says otherwise; at least two election timeouts. Over it: `DISK_FAILED`, and the member stops. */
  diskTimeoutMs: 10_000,
  /** The least that `open()` takes for that. Less: `RangeError`. */
  diskTimeoutMsMin: 100,
  /** Values kept in memory to be read without the disk, with what they take around them; what came first goes first. */
  valueCacheBytesMax: 64 * MEBIBYTE,

  /** One frame on a peer connection. Over it: `FRAME_TOO_LARGE`, the connection is closed before allocation. */
  frameBytesMax: 4 * MEBIBYTE,
  /** Bytes queued for one peer; frames beyond are dropped, which the protocol above expects of a network. */
  peerQueueBytesMax: 32 * MEBIBYTE,
  /** Frames queued for one peer. */
  peerQueueFramesMax: 8192,
  /** Inbound peer connections; a further one takes the place of the oldest without a handshake, or is closed at once. */
  inboundConnectionsMax: 256,
  /** Milliseconds a new connection has for its handshake. */
  handshakeMsMax: 5_000,
  /** Milliseconds without a byte before a peer connection is given up. */
  peerIdleMsMax: 30_000,
  /** Milliseconds between two keepalives on a connection that we dialled; the peer sends each back. */
  peerKeepaliveMs: 1_000,
  /** Keepalives without any byte from the peer before the connection is given up. */
  peerKeepalivesUnansweredMax: 5,
  /** Milliseconds that bytes may wait for a peer that takes none of them. Over it: the connection is given up. */
  peerStallMsMax: 10_000,
  /** Milliseconds before a lost peer is dialled again; doubles with each failure. */
  peerReconnectMsMin: 50,
  /** The longest time between two tries to reach a peer. */
  peerReconnectMsMax: 2_000,
  /** Milliseconds between two looks at the files with certificates, unless `tls.reloadIntervalMs` says otherwise. */
  tlsReloadIntervalMs: 10_000,
  /** The least that may be asked for. Less: `RangeError`. */
  tlsReloadIntervalMsMin: 100,
  /** Bytes of a file with certificates or a key. Over it: `TLS_INVALID`. */
  tlsFileBytesMax: 1 * MEBIBYTE,
  /** Bytes of a question to a member by somebody who is none. Over it: `RangeError` where it is asked, `FRAME_TOO_LARGE` where it arrives. */
  questionBytesMax: 4 * KIBIBYTE,
  /** Bytes of the answer to it. Over it: whoever asked is told that there is none, `UNREACHABLE`. */
  answerBytesMax: 256 * KIBIBYTE,
  /** Such questions that one member answers at the same time; a further one is told that there is no answer. */
  questionsMax: 16,
  /** Bytes of the head of a request or a response between members over HTTP. Over it: 431, the connection is closed. */
  httpHeaderBytesMax: 16 * KIBIBYTE,
  /** Headers that are looked at in such a head; what comes behind them is passed over. */
  httpHeadersMax: 100,
  /** Objects and arrays within each other in JSON that a client sends. Over it: `InvalidArgument`. */
  jsonDepthMax: 100,
  /** Milliseconds within which all of a request as JSON has come, but for streams. Over it: the connection is closed. */
  etcdBodyMsMax: 60_000,
  /** Milliseconds within which the head of the first request over HTTP/1 has come. Over it: the connection is closed. */
  etcdHeadMsMax: 10_000,
  /** Milliseconds that a connection of HTTP/1 is kept without a request. */
  etcdIdleMsMax: 300_000,

  /** The least history that automatic compaction by time may be told to keep, in milliseconds. Less: `RangeError`. */
  autoCompactionRetentionMsMin: 1_000,
  /** Notes of when there was which revision that it keeps; with a long retention they lie further apart. */
  autoCompactionNotesMax: 1_000,

  /** Events that wait in one watch for its consumer; beyond, it is caught up from history instead. */
  watchBufferEventsMax: 4096,
  /** Bytes of those events. */
  watchBufferBytesMax: 4 * MEBIBYTE,
  /**
   * Bytes of all events that wait in the watches of one member, those that several wait with counted once. Beyond, watches
   * whose consumers do not wait are caught up from history instead.
   */
  watchBuffersBytesMax: 128 * MEBIBYTE,
  /** Watches of one member that read history at the same time; the others wait for their turn. */
  watchCatchUpsMax: 16,
  /** Keys under the name of a lock or an election that are read in the transaction that enters its line; of more, the line is read afterwards. */
  lineGlanceKeysMax: 32,
  /** Parties of a double barrier: the transaction that opens a round compares each of them. More: `RangeError`. */
  doubleBarrierPartiesMax: 100,
  /** The least time between two notices of a watch's progress, in milliseconds (etcd's). Less: `RangeError`. */
  watchProgressMsMin: 100,
  /** Revisions read from history in one step of a watch's catch-up. */
  watchCatchUpRevisionsMax: 1000,
  /** Watches open on one member. Over it: `TOO_MANY_REQUESTS`. */
  watchesMax: 100_000,
  /** Watches of one stream of etcd's API. Over it: the creation is answered as canceled, the others go on. */
  etcdStreamWatchesMax: 50_000,
  /** Keep-alives of one stream that are under way together. Over it: the next are read when these are answered. */
  etcdStreamKeepAlivesMax: 64,
  /** Batches of its watches that one such stream has in hand for its client; the others wait in the store. */
  etcdStreamBatchesMax: 4,
  /** Bytes of history that come in one response to a client that watches; a revision is not split for it. */
  etcdWatchMergeBytes: 1 * MEBIBYTE,

  /** Keys that places in lines left behind in a session, where the answer to a put never came, those under way not counted. Over it: its next places stand on leases of their own. */
  sessionTombstonesMax: 100,
  /** Bytes of records in one block of a snapshot; a record that is larger has a block to itself. */
  snapshotBlockBytes: 64 * KIBIBYTE,
  /** Bytes that a block of a snapshot may announce. Over it: `SNAPSHOT_DAMAGED`, before anything is allocated. */
  snapshotBlockBytesMax: 4 * MEBIBYTE,
  /** Snapshots under way on one member: each keeps what is compacted meanwhile on disk. Over it: `TOO_MANY_REQUESTS`. */
  snapshotsMax: 4,
  /** Milliseconds that a consumer may take for one piece of a snapshot, and the disk to give it. Over it: `TIMEOUT`. */
  snapshotPieceMsMax: 60_000,
  /** Milliseconds that a snapshot may take as a whole. Over it: `TIMEOUT`. */
  snapshotMsMax: 3_600_000,

  /** How often `stm()` runs its work when others change what it read, unless the call says otherwise. Over it: `TRANSACTION_CONFLICT`. */
  stmTriesMax: 100,
  /** Milliseconds before such a work is run again after a conflict; doubles with each further one, and chance takes off up to half. */
  stmPauseMsMin: 4,
  /** The longest such pause. */
  stmPauseMsMax: 500,
  /** Items at the front of a queue that are read at once to find one that is free; as many more as are claimed where none is. */
  queueLookItems: 32,
  /** Items that `list()` of a queue tells of, unless the call says otherwise. */
  queueListItems: 100,

  /** Bytes of one piece of a snapshot on its way to another member. */
  transferPieceBytes: 64 * KIBIBYTE,
  /** Pieces of a snapshot that are on their way to one member, or wait there, at the same time. */
  transferWindowPieces: 32,
  /** The same where there is no bulk channel to a member: what a heartbeat behind them waits for. */
  transferWindowPiecesOnMain: 8,
  /** Snapshots that one member sends to others at the same time; further members wait for their turn. */
  transfersMax: 4,
  /**
   * Bytes of the log kept for a member that a snapshot is sent to, behind the position of the snapshot. Beyond, the log is
   * trimmed all the same: the member then needs another snapshot.
   */
  logPinnedBytesMax: 256 * MEBIBYTE,
  /** Milliseconds between two scheduled backups at least. Under it: RangeError. */
  backupIntervalMsMin: 1000,
  /** Milliseconds between two scheduled backups, unless `open()` says otherwise: a day. */
  backupIntervalMs: 86_400_000,
  /** Scheduled backups that are kept, unless `open()` says otherwise; the oldest of more are removed. */
  backupsKept: 7,
  /** Milliseconds after an open before a backup that is due is begun: a member that just starts has other things to do. */
  backupDelayMs: 60_000,
  /** Milliseconds that a close waits for the unfinished file of a backup to be removed. */
  backupEndMsMax: 1000,

  /** Keys that a cached view holds, unless it is opened with another `keysMax`. Over it: `VIEW_TOO_LARGE`. */
  viewKeysMax: 100_000,
  /** Bytes of keys and values as stored that it holds, unless it is opened with another `bytesMax`. Over it: `VIEW_TOO_LARGE`. */
  viewBytesMax: 64 * MEBIBYTE,
  /** Keys that it lists with one call; where their values are too large for one answer, fewer. */
  viewPageKeys: 1000,
  /** Changes that wait for one consumer of its changes, unless it says otherwise; beyond, those of one key become one. */
  viewChangesMax: 1000,
  /** Bytes of keys and values, as stored, of those changes; beyond, those of one key become one. */
  viewChangesBytesMax: 8 * MEBIBYTE,
  /** Milliseconds between two questions whether it is up to date, unless it is opened with another `checkEveryMs`. */
  viewCheckMs: 1000,
  /** The least that may be asked for. Less: `RangeError`. */
  viewCheckMsMin: 10,
  /** The longest time between two tries to follow the store again. */
  viewRetryMsMax: 5000,
  /** Versions of a configuration that are looked at, from one that is not valid back, for the last that was. Beyond: its `fallback`, or `CONFIGURATION_INVALID`. */
  configurationHistoryMax: 16,

  /** The least `everyMs` of a scheduled job, in milliseconds. Less: `RangeError`. */
  jobEveryMsMin: 100,
  /** Milliseconds after which a process looks at its wall clock again while it waits for a job to be due: how late it notices that the clock was set. */
  jobClockLookMs: 10_000,
  /** Milliseconds by which wall clocks of processes may differ without consequences: by less, a clock that is ahead may leave out firings of a job. */
  jobClockToleranceMs: 5_000,
  /** Firings of a job that are made up for with `missed: 'all'`; of more, the oldest are left out. */
  jobMissedFiringsMax: 100,
  /** Intervals of firings left out that the record of a job remembers. */
  jobSkippedSpansMax: 8,
  /** Milliseconds that processes wait at most, by chance, before they try to begin a firing: the first is alone then, most of the time. */
  jobJitterMsMax: 200,
  /** Milliseconds before a firing that failed is begun again, at first; twice as long each time, less up to a half by chance. */
  jobRetryMsMin: 1_000,
  /** The same at most. */
  jobRetryMsMax: 300_000,
  /** Characters of an error that the record of a job keeps. */
  jobErrorCharactersMax: 500,
  /** Bytes of what a registry holds of one instance: its address and metadata as JSON. Over it: `RangeError`. */
  registrationBytesMax: 16 * KIBIBYTE,
  /** Bytes of the id of an instance. Over it: `RangeError`. */
  instanceIdBytesMax: 256,

  /** Callers of etcd's API, by their tokens or names, for whom a handle is kept; another one takes the place of who called longest ago. */
  etcdCallersMax: 1000,
  /** Versions that clients tell of themselves which have counts of their own among the metrics; further ones count as `unknown`. */
  clientVersionsMax: 50,
  /** Characters of such a version. More: it counts as `unknown`. */
  clientVersionCharactersMax: 64,
  /** Milliseconds that metrics wait for the disk to tell how much it holds; after that they show what it told last. */
  metricsDiskMsMax: 500,
  /** Bytes by which a message to etcd's API may be larger than a request (etcd's). Over it: `RESOURCE_EXHAUSTED` of gRPC. */
  etcdMessageOverheadBytes: 512 * KIBIBYTE,
  /** Bytes of one message on a stream of requests, as of watches and keep-alives. Over it: the stream ends with `etcdserver: request is too large`. */
  etcdStreamRequestBytesMax: 256 * KIBIBYTE,
  /** Bytes sent on one stream that its client has not taken, beyond which nothing further is produced for it. */
  etcdStreamPendingBytesMax: 256 * KIBIBYTE,
  /** Bytes of them that are handed to the connection of the stream, so that several responses leave in one write. */
  etcdStreamWritingBytesMax: 64 * KIBIBYTE,
  /** Bytes of an answer up to which the memory it was made in is kept for the next. */
  etcdEncoderKeptBytesMax: 1 * MEBIBYTE,
  /** Milliseconds that closing etcd's API waits for calls under way. */
  etcdDrainMsMax: 5000,
  /** Milliseconds after which a call of etcd's API is told of in the log, without what it was about (etcd's). */
  etcdSlowCallMs: 300,
  /** Fields of one request to etcd's API, or values of one in JSON, those within others counted too; where transactions may have more operations than this is made for, more. Over it: `REQUEST_TOO_LARGE`, before anything is made of it. */
  etcdRequestFieldsMax: 30_000,
  /** Requests over HTTP/1 under way on one connection. Over it: the connection is closed. */
  etcdPipelinedMax: 100,
  /** Connections to etcd's API. Over it: those on which no call has been for longest are closed; the newest where one is under way on each. */
  etcdConnectionsMax: 10_000,
  /** Milliseconds within which a connection to etcd's API must say something, and be done with TLS. */
  etcdHelloMsMax: 10_000,
} as const

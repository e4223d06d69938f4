/**
 * The one table of etcd's metrics that have a meaning here: names, types, labels, buckets and help as dashboards and alerts
 * know them. What fills each is said by whoever names it: measured.ts, standing.ts, calls.ts, probes.ts.
 *
 * Those that have none are not here, and not faked: docs/METRICS.md says of each why.
 */
import { exponentialBuckets } from 'prom-client'

export interface MetricRow {
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly help: string
  /** Default: none. */
  readonly labels?: readonly string[]
  /** Of a histogram: the upper bounds. */
  readonly buckets?: readonly number[]
}

/** Of what a disk does, and of steps of the member: 1 ms to 8.192 s. */
const DISK = exponentialBuckets(0.001, 2, 14)
/** Of transfers of a whole state: 100 ms to 51.2 s. */
const TRANSFER = exponentialBuckets(0.1, 2, 10)
/** Of what is done in memory: 0.1 ms to 52 s. */
const APPLY = exponentialBuckets(0.0001, 2, 20)

/** Of calls, as the library has it that etcd takes them from. */
export const HANDLING_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

export const METRICS = {
  // Consensus.
  etcd_server_has_leader: gauge('Whether or not a leader exists. 1 is existence, 0 is not.'),
  etcd_server_is_leader: gauge('Whether or not this member is a leader. 1 if is, 0 otherwise.'),
  etcd_server_is_learner: gauge('Whether or not this member is a learner. 1 if is, 0 otherwise.'),
  etcd_server_leader_changes_seen_total: counter('The number of leader changes seen.'),
  etcd_server_heartbeat_send_failures_total: counter(
    'The total number of leader heartbeat send failures (likely overloaded from slow disk).',
  ),
  etcd_server_proposals_committed_total: gauge('The total number of consensus proposals committed.'),
  etcd_server_proposals_applied_total: gauge('The total number of consensus proposals applied.'),
  etcd_server_proposals_pending: gauge('The current number of pending proposals to commit.'),
  etcd_server_proposals_failed_total: counter('The total number of failed proposals seen.'),
  etcd_server_slow_apply_total: counter('The total number of slow apply requests (likely overloaded from slow disk).'),
  etcd_server_slow_read_indexes_total: counter(
    "The total number of pending read indexes not in sync with leader's or timed out read index requests.",
  ),
  etcd_server_read_indexes_failed_total: counter('The total number of failed read indexes seen.'),
  etcd_server_apply_duration_seconds: histogram('The latency distributions of v2 apply called by backend.', APPLY, [
    'version',
    'op',
    'success',
  ]),
  etcd_server_range_duration_seconds: histogram('The latency distributions of txn.Range', APPLY, ['success']),
  etcd_server_snapshot_apply_in_progress_total: gauge('1 if the server is applying the incoming snapshot. 0 if none.'),
  etcd_server_learner_promote_successes: counter(
    'The total number of successful learner promotions while this member is leader.',
  ),
  etcd_server_learner_promote_failures: counter(
    'The total number of failed learner promotions (likely learner not ready) while this member is leader.',
    ['Reason'],
  ),

  // Who this is.
  etcd_server_id: gauge("Server or member ID in hexadecimal format. 1 for 'server_id' label with current ID.", [
    'server_id',
  ]),
  etcd_server_version: gauge("Which version is running. 1 for 'server_version' label with current version.", [
    'server_version',
  ]),
  etcd_cluster_version: gauge("Which version is running. 1 for 'cluster_version' label with current cluster version", [
    'cluster_version',
  ]),
  etcd_server_quota_backend_bytes: gauge('Current backend storage quota size in bytes.'),
  etcd_debugging_server_alarms: gauge(
    "Alarms for every member in cluster. 1 for 'server_id' label with current ID. 2 for 'alarm_type' label with type of this alarm",
    ['server_id', 'alarm_type'],
  ),
  etcd_debugging_auth_revision: gauge('The current revision of auth store.'),
  os_fd_limit: gauge('The file descriptor limit.'),
  os_fd_used: gauge('The number of used file descriptors.'),

  // Disks.
  etcd_disk_wal_fsync_duration_seconds: histogram('The latency distributions of fsync called by WAL.', DISK),
  etcd_disk_wal_write_bytes_total: gauge('Total number of bytes written in WAL.'),
  etcd_disk_backend_commit_duration_seconds: histogram('The latency distributions of commit called by backend.', DISK),
  etcd_disk_backend_snapshot_duration_seconds: histogram(
    'The latency distribution of backend snapshots.',
    exponentialBuckets(0.01, 2, 17),
  ),
  etcd_disk_backend_defrag_duration_seconds: histogram(
    'The latency distribution of backend defragmentation.',
    exponentialBuckets(0.1, 2, 13),
  ),
  etcd_disk_defrag_inflight: gauge('Whether or not defrag is active on the member. 1 means active, 0 means not.'),

  // Keys and their history.
  etcd_mvcc_put_total: counter('Total number of puts seen by this member.'),
  etcd_mvcc_delete_total: counter('Total number of deletes seen by this member.'),
  etcd_mvcc_range_total: counter('Total number of ranges seen by this member.'),
  etcd_mvcc_txn_total: counter('Total number of txns seen by this member.'),
  etcd_mvcc_db_total_size_in_bytes: gauge('Total size of the underlying database physically allocated in bytes.'),
  etcd_mvcc_db_total_size_in_use_in_bytes: gauge('Total size of the underlying database logically in use in bytes.'),
  etcd_mvcc_db_open_read_transactions: gauge('The number of currently open read transactions'),
  etcd_mvcc_hash_rev_duration_seconds: histogram(
    'The latency distribution of storage hash by revision operation.',
    exponentialBuckets(0.01, 2, 15),
  ),
  etcd_debugging_mvcc_keys_total: gauge('Total number of keys.'),
  etcd_debugging_mvcc_total_put_size_in_bytes: gauge('The total size of put kv pairs seen by this member.'),
  etcd_debugging_mvcc_current_revision: gauge('The current revision of store.'),
  etcd_debugging_mvcc_compact_revision: gauge('The revision of the last compaction in store.'),
  etcd_debugging_mvcc_db_compaction_last: gauge('The unix time of the last db compaction. Resets to 0 on start.'),
  etcd_debugging_mvcc_db_compaction_keys_total: counter('Total number of db keys compacted.'),
  etcd_debugging_mvcc_db_compaction_pause_duration_milliseconds: histogram(
    'Bucketed histogram of db compaction pause duration.',
    exponentialBuckets(1, 2, 13),
  ),
  etcd_debugging_mvcc_db_compaction_total_duration_milliseconds: histogram(
    'Bucketed histogram of db compaction total duration.',
    exponentialBuckets(100, 2, 14),
  ),

  // Watches.
  etcd_debugging_mvcc_watch_stream_total: gauge('Total number of watch streams.'),
  etcd_debugging_mvcc_watcher_total: gauge('Total number of watchers.'),
  etcd_debugging_mvcc_slow_watcher_total: gauge('Total number of unsynced slow watchers.'),
  etcd_debugging_mvcc_events_total: counter('Total number of events sent by this member.'),

  // Leases.
  etcd_debugging_lease_granted_total: counter('The total number of granted leases.'),
  etcd_debugging_lease_revoked_total: counter('The total number of revoked leases.'),
  etcd_debugging_lease_renewed_total: counter('The number of renewed leases seen by the leader.'),
  etcd_debugging_lease_ttl_total: histogram('Bucketed histogram of lease TTLs.', exponentialBuckets(1, 2, 24)),
  etcd_debugging_server_lease_expired_total: counter('The total number of expired leases.'),

  // Other members.
  etcd_network_peer_round_trip_time_seconds: histogram(
    'Round-Trip-Time histogram between peers',
    exponentialBuckets(0.0001, 2, 16),
    ['To'],
  ),
  etcd_network_active_peers: gauge('The current number of active peer connections.', ['Local', 'Remote']),
  etcd_network_known_peers: gauge('The current number of known peers.', ['Local', 'Remote']),
  etcd_network_disconnected_peers_total: counter('The total number of disconnected peers.', ['Local', 'Remote']),
  etcd_network_peer_sent_bytes_total: counter('The total number of bytes sent to peers.', ['To']),
  etcd_network_peer_received_bytes_total: counter('The total number of bytes received from peers.', ['From']),
  etcd_network_peer_sent_failures_total: counter('The total number of send failures from peers.', ['To']),
  etcd_network_snapshot_send_inflights_total: gauge('Total number of inflight snapshot sends', ['To']),
  etcd_network_snapshot_send_success: counter('Total number of successful snapshot sends', ['To']),
  etcd_network_snapshot_send_failures: counter('Total number of snapshot send failures', ['To']),
  etcd_network_snapshot_send_total_duration_seconds: histogram(
    'Total latency distributions of v3 snapshot sends',
    TRANSFER,
    ['To'],
  ),
  etcd_network_snapshot_receive_inflights_total: gauge('Total number of inflight snapshot receives', ['From']),
  etcd_network_snapshot_receive_success: counter('Total number of successful snapshot receives', ['From']),
  etcd_network_snapshot_receive_failures: counter('Total number of snapshot receive failures', ['From']),
  etcd_network_snapshot_receive_total_duration_seconds: histogram(
    'Total latency distributions of v3 snapshot receives',
    TRANSFER,
    ['From'],
  ),

  // Clients.
  etcd_network_client_grpc_received_bytes_total: counter('The total number of bytes received from grpc clients.'),
  etcd_network_client_grpc_sent_bytes_total: counter('The total number of bytes sent to grpc clients.'),
  etcd_network_server_stream_failures_total: counter('The total number of stream failures from the local server.', [
    'Type',
    'API',
  ]),
  etcd_server_client_requests_total: counter('The total number of client requests per client version.', [
    'type',
    'client_api_version',
  ]),
  etcd_server_request_duration_seconds: histogram('Response latency distribution in seconds for each type.', DISK, [
    'type',
    'success',
  ]),
  etcd_server_health_success: counter('The total number of successful health checks'),
  etcd_server_health_failures: counter('The total number of failed health checks'),
  etcd_server_healthcheck: gauge('The result of each kind of healthcheck.', ['type', 'name']),
  etcd_server_healthchecks_total: counter('The total number of each kind of healthcheck.', ['type', 'name', 'status']),
  grpc_server_started_total: counter('Total number of RPCs started on the server.', [
    'grpc_type',
    'grpc_service',
    'grpc_method',
  ]),
  grpc_server_handled_total: counter(
    'Total number of RPCs completed on the server, regardless of success or failure.',
    ['grpc_type', 'grpc_service', 'grpc_method', 'grpc_code'],
  ),
  grpc_server_msg_received_total: counter('Total number of RPC stream messages received on the server.', [
    'grpc_type',
    'grpc_service',
    'grpc_method',
  ]),
  grpc_server_msg_sent_total: counter('Total number of gRPC stream messages sent by the server.', [
    'grpc_type',
    'grpc_service',
    'grpc_method',
  ]),

  // The process.
  nodejs_gc_duration_seconds: histogram(
    'Garbage collection duration by kind, one of major, minor, incremental or weakcb.',
    [0.001, 0.01, 0.1, 1, 2, 5],
    ['kind'],
  ),
  nodejs_eventloop_lag_p99_seconds: gauge('The 99th percentile of the recorded event loop delays.'),
  nodejs_eventloop_lag_max_seconds: gauge('The maximum recorded event loop delay.'),
} as const satisfies Readonly<Record<string, MetricRow>>

/** Only where it is asked for: a bucket for every method costs a scrape dearly. */
export const EXTENSIVE_METRICS = {
  grpc_server_handling_seconds: histogram(
    'Histogram of response latency (seconds) of gRPC that had been application-level handled by the server.',
    HANDLING_BUCKETS,
    ['grpc_type', 'grpc_service', 'grpc_method'],
  ),
} as const satisfies Readonly<Record<string, MetricRow>>

function counter(help: string, labels: readonly string[] = []): MetricRow & { readonly type: 'counter' } {
  return { type: 'counter', help, labels }
}

function gauge(help: string, labels: readonly string[] = []): MetricRow & { readonly type: 'gauge' } {
  return { type: 'gauge', help, labels }
}

function histogram(
  help: string,
  buckets: readonly number[],
  labels: readonly string[] = [],
): MetricRow & { readonly type: 'histogram'; readonly buckets: readonly number[] } {
  return { type: 'histogram', help, buckets, labels }
}

/** What dashboards and alerts for etcd ask, by its metrics; written for this check. */
import type { Rules } from './server.js'

/** Each gives a number for each member, or for one of them at least. */
export const QUERIES: readonly string[] = [
  'up{job="etcd"} == 1',
  'etcd_server_has_leader',
  'sum(etcd_server_is_leader)',
  'rate(etcd_disk_wal_fsync_duration_seconds_count[10s])',
  'histogram_quantile(0.99, sum by (instance, le) (rate(etcd_disk_wal_fsync_duration_seconds_bucket[10s])))',
  'histogram_quantile(0.99, sum by (le) (rate(etcd_disk_backend_commit_duration_seconds_bucket[30s])))',
  'histogram_quantile(0.95, sum by (instance, To, le) (rate(etcd_network_peer_round_trip_time_seconds_bucket[10s])))',
  'etcd_mvcc_db_total_size_in_use_in_bytes / etcd_mvcc_db_total_size_in_bytes',
  'etcd_mvcc_db_total_size_in_bytes / etcd_server_quota_backend_bytes',
  'sum(rate(grpc_server_started_total{grpc_type="unary"}[10s]))',
  'sum(rate(grpc_server_handled_total{grpc_type="unary",grpc_code!="OK"}[10s]))',
  'sum by (grpc_method) (rate(grpc_server_handled_total{grpc_service="etcdserverpb.KV"}[10s]))',
  'sum(grpc_server_started_total{grpc_service="etcdserverpb.Watch"}) - sum(grpc_server_handled_total{grpc_service="etcdserverpb.Watch"})',
  'rate(etcd_network_client_grpc_received_bytes_total[10s])',
  'rate(etcd_network_peer_sent_bytes_total[10s])',
  'rate(etcd_server_proposals_committed_total[10s])',
  'etcd_server_proposals_committed_total - etcd_server_proposals_applied_total',
  'increase(etcd_server_leader_changes_seen_total[1m])',
  'etcd_server_proposals_pending',
  'rate(etcd_mvcc_put_total[10s])',
  'process_resident_memory_bytes',
  'process_open_fds / process_max_fds',
  'rate(process_cpu_seconds_total[10s])',
]

/** Alerts of the usual kinds. */
export const RULES: Rules = [
  { alert: 'NoLeader', expr: 'etcd_server_has_leader == 0' },
  { alert: 'FewMembers', expr: 'count(up{job="etcd"} == 1) < ceil((count(up{job="etcd"}) + 1) / 2)' },
  { alert: 'LeaderChanges', expr: 'increase(etcd_server_leader_changes_seen_total[1m]) > 3' },
  { alert: 'ProposalsFail', expr: 'rate(etcd_server_proposals_failed_total[30s]) > 0.1' },
  {
    alert: 'SlowLog',
    expr: 'histogram_quantile(0.99, rate(etcd_disk_wal_fsync_duration_seconds_bucket[30s])) > 4',
  },
  {
    alert: 'SlowPeers',
    expr: 'histogram_quantile(0.99, rate(etcd_network_peer_round_trip_time_seconds_bucket[30s])) > 2',
  },
  {
    alert: 'CallsFail',
    expr: 'sum by (instance) (rate(grpc_server_handled_total{grpc_code=~"Unknown|Unavailable|Internal"}[30s])) > 1',
  },
  { alert: 'NearQuota', expr: 'etcd_mvcc_db_total_size_in_use_in_bytes / etcd_server_quota_backend_bytes > 0.95' },
]

/** Fills the metrics of what a member measures, as it is measured. */
import { assertNever } from '../../base/assert.js'
import type { Clock } from '../../base/clock.js'
import type { Measurement } from '../../api/telemetry.js'
import type { MemberId } from '../../api/member-id.js'
import type { Cell, Spread } from './meters.js'
import { hexId } from './hex-id.js'
import type { Sheet } from './sheet.js'

/** From here on a command or a read counts as slow, as with etcd. */
const SLOW_MS = 100

/** What etcd calls the commands. Those that it has not keep their names. */
const OPERATIONS: Readonly<Record<string, string>> = {
  put: 'Put',
  delete: 'DeleteRange',
  transaction: 'Txn',
  compact: 'Compaction',
  'lease-grant': 'LeaseGrant',
  'lease-revoke': 'LeaseRevoke',
  'lease-checkpoint': 'LeaseCheckpoint',
  alarm: 'Alarm',
  auth: 'Auth',
  login: 'Authenticate',
}

export class MeasuredMeters {
  readonly #sheet: Sheet
  readonly #clock: Clock
  readonly #local: string
  // Those of every call: looked up once.
  readonly #puts: Cell
  readonly #deletes: Cell
  readonly #ranges: Cell
  readonly #txns: Cell
  readonly #putBytes: Cell
  readonly #slow: Cell
  readonly #applies = new Map<string | undefined, Spread>()
  readonly #peers = new Map<number, PeerMeters>()

  constructor(sheet: Sheet, clock: Clock, memberId: MemberId) {
    this.#sheet = sheet
    this.#clock = clock
    this.#local = hexId(memberId)
    this.#puts = sheet.cell('etcd_mvcc_put_total')
    this.#deletes = sheet.cell('etcd_mvcc_delete_total')
    this.#ranges = sheet.cell('etcd_mvcc_range_total')
    this.#txns = sheet.cell('etcd_mvcc_txn_total')
    this.#putBytes = sheet.cell('etcd_debugging_mvcc_total_put_size_in_bytes')
    this.#slow = sheet.cell('etcd_server_slow_apply_total')
  }

  /** For {@link Telemetry.listen}. */
  readonly add = (measured: Measurement): void => {
    const sheet = this.#sheet
    switch (measured.type) {
      case 'applied':
        this.#applied(measured)
        return
      case 'ranged':
        this.#ranges.add()
        if (measured.durationMs > SLOW_MS) this.#slow.add()
        sheet
          .spreads('etcd_server_range_duration_seconds')
          .of(`${measured.ok}`)
          .observe(measured.durationMs / 1000)
        return
      case 'log-written':
        sheet.spread('etcd_disk_wal_fsync_duration_seconds').observe(measured.durationMs / 1000)
        sheet.cell('etcd_disk_wal_write_bytes_total').add(measured.bytes)
        return
      case 'state-written':
        sheet.spread('etcd_disk_backend_commit_duration_seconds').observe(measured.durationMs / 1000)
        return
      case 'defragmented':
        sheet.spread('etcd_disk_backend_defrag_duration_seconds').observe(measured.durationMs / 1000)
        return
      case 'snapshot-read':
        if (measured.whole) {
          sheet.spread('etcd_disk_backend_snapshot_duration_seconds').observe(measured.durationMs / 1000)
        }
        return
      case 'hashed':
        sheet.spread('etcd_mvcc_hash_rev_duration_seconds').observe(measured.durationMs / 1000)
        return
      case 'compacted':
        return
      case 'sweep-step':
        sheet.spread('etcd_debugging_mvcc_db_compaction_pause_duration_milliseconds').observe(measured.durationMs)
        return
      case 'swept':
        this.#swept(measured)
        return
      case 'proposal-failed':
        sheet.cell('etcd_server_proposals_failed_total').add()
        return
      case 'read-index-late':
        sheet.cell('etcd_server_slow_read_indexes_total').add()
        return
      case 'read-index-failed':
        sheet.cell('etcd_server_read_indexes_failed_total').add()
        return
      case 'heartbeat-late':
        sheet.cell('etcd_server_heartbeat_send_failures_total').add()
        return
      case 'lease-granted':
        sheet.cell('etcd_debugging_lease_granted_total').add()
        sheet.spread('etcd_debugging_lease_ttl_total').observe(measured.ttlMs / 1000)
        return
      case 'lease-revoked':
        sheet.cell('etcd_debugging_lease_revoked_total').add()
        return
      case 'lease-renewed':
        sheet.cell('etcd_debugging_lease_renewed_total').add()
        return
      case 'leases-expired':
        sheet.cell('etcd_debugging_server_lease_expired_total').add(measured.leases)
        return
      case 'events-delivered':
        sheet.cell('etcd_debugging_mvcc_events_total').add(measured.events)
        return
      case 'peer-reachable':
        return
      case 'peer-unreachable':
        sheet.family('etcd_network_disconnected_peers_total').of(this.#local, hexId(measured.peer)).add()
        return
      case 'round-trip':
        this.#peer(measured.peer).roundTrips.observe(measured.durationMs / 1000)
        return
      case 'frame-sent':
        if (measured.taken) this.#peer(measured.peer).sentBytes.add(measured.bytes)
        else sheet.family('etcd_network_peer_sent_failures_total').of(hexId(measured.peer)).add()
        return
      case 'frame-received':
        this.#peer(measured.peer).receivedBytes.add(measured.bytes)
        return
      case 'state-sent':
      case 'state-received':
        this.#transferred(measured)
        return
      default:
        assertNever(measured, 'measurement')
    }
  }

  #applied({ request, durationMs, puts, deletes, ranges, putBytes }: Of<'applied'>): void {
    if (puts > 0) this.#puts.add(puts)
    if (deletes > 0) this.#deletes.add(deletes)
    if (ranges > 0) this.#ranges.add(ranges)
    // As etcd counts: what is one operation is no transaction.
    if (puts + deletes + ranges > 1) this.#txns.add()
    this.#putBytes.add(putBytes)
    if (durationMs > SLOW_MS) this.#slow.add()
    let spread = this.#applies.get(request)
    if (spread === undefined) {
      const operation = request === undefined ? 'unknown' : (OPERATIONS[request] ?? request)
      spread = this.#sheet.spreads('etcd_server_apply_duration_seconds').of('v3', operation, `${request !== undefined}`)
      this.#applies.set(request, spread)
    }
    spread.observe(durationMs / 1000)
  }

  #swept({ durationMs, records }: Of<'swept'>): void {
    this.#sheet.cell('etcd_debugging_mvcc_db_compaction_keys_total').add(records)
    this.#sheet.cell('etcd_debugging_mvcc_db_compaction_last').value = Math.floor(this.#clock.wallMs() / 1000)
    this.#sheet.spread('etcd_debugging_mvcc_db_compaction_total_duration_milliseconds').observe(durationMs)
  }

  #transferred({ type, peer, durationMs, ok }: Of<'state-sent' | 'state-received'>): void {
    const way = type === 'state-sent' ? 'send' : 'receive'
    const id = hexId(peer)
    if (!ok) this.#sheet.family(`etcd_network_snapshot_${way}_failures`).of(id).add()
    else {
      this.#sheet.family(`etcd_network_snapshot_${way}_success`).of(id).add()
      this.#sheet
        .spreads(`etcd_network_snapshot_${way}_total_duration_seconds`)
        .of(id)
        .observe(durationMs / 1000)
    }
  }

  #peer(peer: number): PeerMeters {
    let meters = this.#peers.get(peer)
    if (meters === undefined) {
      const id = hexId(peer)
      meters = {
        sentBytes: this.#sheet.family('etcd_network_peer_sent_bytes_total').of(id),
        receivedBytes: this.#sheet.family('etcd_network_peer_received_bytes_total').of(id),
        roundTrips: this.#sheet.spreads('etcd_network_peer_round_trip_time_seconds').of(id),
      }
      this.#peers.set(peer, meters)
    }
    return meters
  }
}

type Of<Type extends Measurement['type']> = Extract<Measurement, { readonly type: Type }>

interface PeerMeters {
  readonly sentBytes: Cell
  readonly receivedBytes: Cell
  readonly roundTrips: Spread
}

/** Fills the metrics of how things stand, right before they are shown. */
import type { Alarm, Sizes } from '../../api/maintenance.js'
import type { Store, StoreStatus } from '../../api/store.js'
import type { Gauges } from '../../api/telemetry.js'
import { ETCD_VERSION } from '../wire/version.js'
import { hexId } from './hex-id.js'
import type { NameOf, Sheet } from './sheet.js'

const ALARM_NAMES: Readonly<Record<Alarm['alarm'], string>> = { 'no-space': 'NOSPACE', corrupt: 'CORRUPT' }

export class StandingMeters {
  readonly #sheet: Sheet
  readonly #store: Store
  /** As long as the disk does not answer: what it said last. */
  #sizes: Sizes | undefined
  #asking: Promise<void> | undefined

  constructor(sheet: Sheet, store: Store) {
    this.#sheet = sheet
    this.#store = store
    sheet.family('etcd_server_version').of(ETCD_VERSION.server).value = 1
    sheet.family('etcd_cluster_version').of(ETCD_VERSION.cluster).value = 1
    sheet.family('etcd_server_id').of(hexId(store.status().memberId)).value = 1
  }

  /** Waits for the disk no longer than `withinMs`: metrics are wanted most while it hangs. */
  async look(withinMs: number): Promise<void> {
    await this.#askSizes(withinMs)
    const status = this.#store.status()
    this.#consensus(status)
    this.#keys(status)
    const gauges = this.#store.telemetry.gauges()
    if (gauges !== undefined) this.#standing(gauges, status)
    this.#process(status)
  }

  async #askSizes(withinMs: number): Promise<void> {
    this.#asking ??= this.#store.maintenance
      .sizes()
      .then(
        (sizes) => {
          this.#sizes = sizes
        },
        // It is closed, or was just cut off: what is known stays.
        () => undefined,
      )
      .finally(() => {
        this.#asking = undefined
      })
    const { timers } = this.#store.environment
    let cancel = (): void => undefined
    const patience = new Promise<void>((resolve) => (cancel = timers.after(withinMs, resolve)))
    await Promise.race([this.#asking, patience])
    cancel()
  }

  #consensus({ leader, role, learner, commitIndex, appliedIndex, alarms, quotaBytes }: StoreStatus): void {
    this.#set('etcd_server_has_leader', leader !== undefined)
    this.#set('etcd_server_is_leader', role === 'leader')
    this.#set('etcd_server_is_learner', learner)
    this.#set('etcd_server_proposals_committed_total', commitIndex)
    this.#set('etcd_server_proposals_applied_total', appliedIndex)
    this.#set('etcd_server_quota_backend_bytes', quotaBytes)
    const shown = this.#sheet.family('etcd_debugging_server_alarms')
    shown.clear()
    for (const { alarm, memberId } of alarms) shown.of(hexId(memberId), ALARM_NAMES[alarm]).value = 1
  }

  #keys({ revision, compactRevision, sizeInUseBytes }: StoreStatus): void {
    this.#set('etcd_debugging_mvcc_current_revision', revision)
    // Never compacted: what etcd shows then.
    this.#set('etcd_debugging_mvcc_compact_revision', compactRevision === 0 ? -1 : compactRevision)
    this.#set('etcd_mvcc_db_total_size_in_use_in_bytes', sizeInUseBytes)
    // In memory nothing is on a disk, and what is in use is all that is allocated.
    this.#set('etcd_mvcc_db_total_size_in_bytes', Math.max(this.#sizes?.diskBytes ?? 0, sizeInUseBytes))
  }

  #standing(gauges: Gauges, { memberId, members }: StoreStatus): void {
    this.#set('etcd_server_proposals_pending', gauges.proposalsWaiting)
    this.#set('etcd_debugging_mvcc_keys_total', gauges.keys)
    this.#set('etcd_debugging_auth_revision', gauges.authRevision)
    this.#set('etcd_debugging_mvcc_watcher_total', gauges.watches)
    this.#set('etcd_debugging_mvcc_slow_watcher_total', gauges.watchesLagging)
    this.#set('etcd_mvcc_db_open_read_transactions', gauges.snapshots + gauges.sendingTo.length)
    this.#set('etcd_disk_defrag_inflight', gauges.defragmenting)
    this.#set('etcd_server_snapshot_apply_in_progress_total', gauges.installing)
    const local = hexId(memberId)
    const others = members.map(({ id }) => id).filter((id) => id !== memberId)
    const [active, known] = [
      this.#sheet.family('etcd_network_active_peers'),
      this.#sheet.family('etcd_network_known_peers'),
    ]
    active.clear()
    known.clear()
    for (const id of others) {
      known.of(local, hexId(id)).value = 1
      active.of(local, hexId(id)).value = gauges.reachablePeers.some((peer) => peer === id) ? 1 : 0
    }
    const { sendingTo, receivingFrom } = gauges
    this.#inFlight('etcd_network_snapshot_send_inflights_total', sendingTo)
    this.#inFlight('etcd_network_snapshot_receive_inflights_total', receivingFrom === undefined ? [] : [receivingFrom])
  }

  /** Of a peer that was in it once, 0 is shown from then on. */
  #inFlight(name: NameOf<'gauge'>, peers: readonly number[]): void {
    const family = this.#sheet.family(name)
    for (const { member } of family.members) member.value = 0
    for (const peer of peers) family.of(hexId(peer)).value = 1
  }

  #process({ eventLoop }: StoreStatus): void {
    this.#set('nodejs_eventloop_lag_p99_seconds', (eventLoop.p99Ms ?? 0) / 1000)
    this.#set('nodejs_eventloop_lag_max_seconds', (eventLoop.maxMs ?? 0) / 1000)
  }

  #set(name: NameOf<'counter' | 'gauge'>, value: number | boolean): void {
    this.#sheet.cell(name).value = Number(value)
  }
}

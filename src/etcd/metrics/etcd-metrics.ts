/**
 * The metrics of one served store, in etcd's names, so that dashboards and alerts made for etcd work.
 *
 *     doors and probes ──► observer ──┐
 *     store.telemetry ────────────────┼──► meters ──► text, when somebody asks
 *     store.status(), gauges(), sizes(): looked at when somebody asks
 *
 * Always: however many ask at a time, text is made once. Always: closing it leaves nothing that listens.
 */
import type { Store } from '../../api/store.js'
import { LIMITS } from '../../base/limits.js'
import type { CallObserver, HealthObserver } from '../server/call-observer.js'
import { CallMeters } from './calls.js'
import { HealthMeters } from './health-meters.js'
import { MeasuredMeters } from './measured.js'
import { ProcessMeters } from './process-meters.js'
import { Sheet, type MetricsDetail } from './sheet.js'
import { StandingMeters } from './standing.js'

export class EtcdMetrics {
  /** For the doors and the probes. */
  readonly observer: CallObserver & HealthObserver
  readonly #sheet: Sheet
  readonly #standing: StandingMeters
  readonly #process: ProcessMeters
  readonly #stops: readonly (() => void)[]
  #making: Promise<string> | undefined

  /** @param store the handle that `open()` returned, which may see everything. */
  constructor(store: Store, detail: MetricsDetail = 'basic') {
    const { clock } = store.environment
    const status = store.status()
    this.#sheet = new Sheet(detail)
    this.#standing = new StandingMeters(this.#sheet, store)
    this.#process = new ProcessMeters(this.#sheet)
    const calls = new CallMeters(this.#sheet, clock, detail)
    const health = new HealthMeters(this.#sheet)
    this.observer = {
      begin: (path, clientApiVersion) => calls.begin(path, clientApiVersion),
      health: (healthy) => {
        health.health(healthy)
      },
      checked: (endpoint, name, passed) => {
        health.checked(endpoint, name, passed)
      },
    }
    const measured = new MeasuredMeters(this.#sheet, clock, status.memberId)
    this.#stops = [
      store.telemetry.listen(measured.add),
      this.#followLeaders(store),
      () => {
        this.#process.stop()
      },
    ]
  }

  get contentType(): string {
    return this.#sheet.registry.contentType
  }

  /** As Prometheus reads it. */
  text(): Promise<string> {
    this.#making ??= this.#make().finally(() => {
      this.#making = undefined
    })
    return this.#making
  }

  close(): void {
    for (const stop of this.#stops) stop()
  }

  async #make(): Promise<string> {
    await this.#standing.look(LIMITS.metricsDiskMsMax)
    await this.#process.look()
    return this.#sheet.registry.metrics()
  }

  /** Each time a leader is known that was not known right before: who leads already counts as the first, as with etcd. */
  #followLeaders(store: Store): () => void {
    const changes = this.#sheet.cell('etcd_server_leader_changes_seen_total')
    let { leader: known } = store.status()
    if (known !== undefined) changes.add()
    return store.on('leader', ({ leader }) => {
      if (leader !== undefined && leader !== known) changes.add()
      known = leader
    })
  }
}

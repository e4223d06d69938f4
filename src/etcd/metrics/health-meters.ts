/** Fills the metrics of what `/health`, `/livez` and `/readyz` found. */
import type { HealthEndpoint, HealthObserver } from '../server/call-observer.js'
import type { Sheet } from './sheet.js'

export class HealthMeters implements HealthObserver {
  readonly #sheet: Sheet

  constructor(sheet: Sheet) {
    this.#sheet = sheet
  }

  health(healthy: boolean): void {
    this.#sheet.cell(healthy ? 'etcd_server_health_success' : 'etcd_server_health_failures').add()
  }

  checked(endpoint: HealthEndpoint, name: string, passed: boolean): void {
    this.#sheet.family('etcd_server_healthcheck').of(endpoint, name).value = passed ? 1 : 0
    this.#sheet
      .family('etcd_server_healthchecks_total')
      .of(endpoint, name, passed ? 'success' : 'error')
      .add()
  }
}

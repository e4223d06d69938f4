/** What clients were told, as a process that writes reports it. */
import type { Acknowledged, Change, Facts } from './facts.js'
import type { Report } from './messages.js'

export class Told {
  readonly #begun = new Map<number, readonly Change[]>()
  readonly #acknowledged: Acknowledged[] = []

  hear(report: Exclude<Report, { type: 'prepared' }>): void {
    if (report.type === 'begun') {
      this.#begun.set(report.id, report.changes)
      return
    }
    const changes = this.#begun.get(report.id)
    this.#begun.delete(report.id)
    if (changes !== undefined && report.changed) this.#acknowledged.push({ revision: report.revision, changes })
  }

  facts(): Facts {
    return { acknowledged: this.#acknowledged, pending: [...this.#begun.values()] }
  }
}

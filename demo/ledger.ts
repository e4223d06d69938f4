/**
 * What the services were told about their writes, and whether the store kept its word.
 *
 * Always: a write that was acknowledged is in history once, at the revision that was told; one that was refused is not in
 * it; one whose process died, or that got no answer, is there once or not at all.
 */
import type { Report, WriteKind, Written } from './messages.js'

interface Write {
  readonly kind: WriteKind
  readonly service: string
  readonly value: string
  outcome: 'open' | 'acknowledged' | 'refused' | 'unknown'
  revision: number | undefined
}

export class Ledger {
  readonly #writes = new Map<string, Write>()

  record(service: string, report: Report): void {
    if (report.type === 'attempt') {
      const { kind, value } = report
      this.#writes.set(value, { kind, service, value, outcome: 'open', revision: undefined })
    } else if (report.type === 'acknowledged') {
      const write = this.#find(report.value)
      write.outcome = 'acknowledged'
      write.revision = report.revision
    } else if (report.type === 'failed') {
      this.#find(report.value).outcome = report.outcome
    }
  }

  /** The process died: what it had under way will never be answered. */
  lost(service: string): void {
    for (const write of this.#writes.values()) {
      if (write.service === service && write.outcome === 'open') write.outcome = 'unknown'
    }
  }

  count(outcome: Write['outcome'], kind?: WriteKind): number {
    let found = 0
    for (const write of this.#writes.values()) {
      if (write.outcome === outcome && (kind === undefined || write.kind === kind)) found++
    }
    return found
  }

  /** What is wrong with this history; nothing if all is well. */
  faultsOf(history: readonly Written[]): string[] {
    const revisions = new Map<string, number[]>()
    for (const { value, revision } of history) {
      const found = revisions.get(value)
      if (found === undefined) revisions.set(value, [revision])
      else found.push(revision)
    }
    const faults: string[] = []
    for (const write of this.#writes.values()) {
      const fault = faultOf(write, revisions.get(write.value) ?? [])
      if (fault !== undefined) faults.push(`${write.value}: ${fault}`)
    }
    return faults
  }

  #find(value: string): Write {
    const write = this.#writes.get(value)
    if (write === undefined) throw new Error(`an answer came for ${value}, which nobody tried to write`)
    return write
  }
}

function faultOf({ outcome, revision }: Write, found: readonly number[]): string | undefined {
  if (found.length > 1) return `in history ${found.length} times, at revisions ${found.join(', ')}`
  if (outcome === 'acknowledged' && found[0] === undefined) return `acknowledged at revision ${revision}, and lost`
  if (outcome === 'acknowledged' && found[0] !== revision)
    return `acknowledged at ${revision}, in history at ${found[0]}`
  if (outcome === 'refused' && found[0] !== undefined) return `refused, yet in history at revision ${found[0]}`
  if (outcome === 'open') return 'nobody was told what became of it'
  return undefined
}

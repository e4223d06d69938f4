/** What came of the trials of a rot run, counted by damage and by what it was done to. */
import type { DamageType } from './damage.js'
import type { Outcome, Trial, TrialResult } from './messages.js'

export interface FailedTrial {
  readonly trial: Trial
  readonly message: string
  /** The folder with the evidence. */
  readonly kept: string
}

const OUTCOMES: readonly Outcome[] = ['detected', 'refused', 'other entry', 'no effect', 'unacknowledged end']

export class RotTally {
  readonly failed: FailedTrial[] = []
  count = 0
  reads = 0
  refusedReads = 0
  readonly #rows = new Map<string, Map<Outcome | 'failed', number>>()
  readonly #said = new Map<string, number>()

  add(trial: Trial, { outcome, said, reads, refusedReads }: TrialResult): void {
    this.count++
    this.reads += reads
    this.refusedReads += refusedReads
    this.#count(trial, outcome)
    // Without the numbers and names, to see what kinds there are.
    for (const each of new Set(said.map(kindOf))) this.#said.set(each, (this.#said.get(each) ?? 0) + 1)
  }

  fail(failed: FailedTrial): void {
    this.count++
    this.failed.push(failed)
    const what = `FAILED: ${kindOf(failed.message)}`
    this.#said.set(what, (this.#said.get(what) ?? 0) + 1)
    this.#count(failed.trial, 'failed')
  }

  line(): string {
    return `${this.count} trials, ${this.failed.length} failed`
  }

  table(): string {
    const columns: readonly (Outcome | 'failed')[] = [...OUTCOMES, 'failed']
    const rows = [...this.#rows].sort(([a], [b]) => (a < b ? -1 : 1))
    const body = rows.map(([name, row]) => `| ${name} | ${columns.map((each) => row.get(each) ?? 0).join(' | ')} |`)
    const total = columns.map((each) => rows.reduce((sum, [, row]) => sum + (row.get(each) ?? 0), 0))
    return [
      `| damage, members | ${columns.join(' | ')} |`,
      `| --- |${' --- |'.repeat(columns.length)}`,
      ...body,
      `| all | ${total.join(' | ')} |`,
    ].join('\n')
  }

  /** What members said of the damage, most often first. */
  sayings(): string {
    const sorted = [...this.#said].sort(([, a], [, b]) => b - a)
    return sorted.map(([text, times]) => `${String(times).padStart(7)}  ${text}`).join('\n')
  }

  #count({ damage, setup }: Trial, outcome: Outcome | 'failed'): void {
    const name = `${damage.type satisfies DamageType}, ${setup}`
    const row = this.#rows.get(name) ?? new Map<Outcome | 'failed', number>()
    row.set(outcome, (row.get(outcome) ?? 0) + 1)
    this.#rows.set(name, row)
  }
}

function kindOf(text: string): string {
  return text
    .replace(/^the data in \S+ is damaged: /, '')
    .replace(/\/\S+\//g, '…/')
    .replace(/\(.*/, '')
    .replace(/\b[0-9a-f]*\d[0-9a-f]*\b/g, 'n')
    .slice(0, 110)
}

/** How long the last syncs took: for people, and for telemetry. */

/** What is told of them; undefined before the first. */
export interface SyncTimesSummary {
  /** Since the member was opened. */
  readonly syncs: number
  readonly lastSyncMs: number | undefined
  /** Of the last {@link WINDOW}. */
  readonly medianSyncMs: number | undefined
  readonly p99SyncMs: number | undefined
}

const WINDOW = 256

export class SyncTimes {
  readonly #window: number[] = []
  /** Until the next one comes: a status is asked for far more often. */
  #summary: SyncTimesSummary | undefined
  #syncs = 0

  add(tookMs: number): void {
    this.#window[this.#syncs % WINDOW] = tookMs
    this.#syncs++
    this.#summary = undefined
  }

  get summary(): SyncTimesSummary {
    return (this.#summary ??= this.#summarise())
  }

  #summarise(): SyncTimesSummary {
    const sorted = [...this.#window].sort((a, b) => a - b)
    const at = (share: number): number | undefined => sorted[Math.ceil(share * sorted.length) - 1]
    return {
      syncs: this.#syncs,
      lastSyncMs: this.#syncs === 0 ? undefined : this.#window[(this.#syncs - 1) % WINDOW],
      medianSyncMs: at(0.5),
      p99SyncMs: at(0.99),
    }
  }
}

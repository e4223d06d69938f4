/** Measures how what compactions made superfluous is removed: each step of the loop, and each sweep from its compaction to its end. */
import type { Machine } from '../machine/machine.js'
import type { Telemeter } from './telemeter.js'

export class SweepMeter {
  readonly #telemeter: Telemeter
  readonly #machine: Machine
  #begun: { readonly atMs: number; readonly removedRecords: number } | undefined
  /** When nothing was swept last. */
  #removedRecords = 0

  constructor(telemeter: Telemeter, machine: Machine) {
    this.#telemeter = telemeter
    this.#machine = machine
  }

  /** A compaction was applied, in so much time; some of the sweep was done with it, perhaps all. */
  compacted(durationMs: number): void {
    const { compactRevision: revision } = this.#machine
    this.#telemeter.tell?.({ type: 'compacted', revision })
    this.#begun ??= { atMs: this.#telemeter.nowMs() - durationMs, removedRecords: this.#removedRecords }
  }

  step(sweep: () => boolean): boolean {
    if (this.#telemeter.tell === undefined) return sweep()
    const begunMs = this.#telemeter.nowMs()
    const goesOn = sweep()
    this.#telemeter.tell({ type: 'sweep-step', durationMs: this.#telemeter.nowMs() - begunMs })
    return goesOn
  }

  /** In each turn, whether anybody listens or not: who does later is told of sweeps that began then. */
  look(): void {
    const { sweeping, removedRecords } = this.#machine.store
    if (sweeping) return
    if (this.#begun !== undefined) {
      const { atMs, removedRecords: before } = this.#begun
      this.#begun = undefined
      // Another state, which took the place of this one, counts anew.
      const records = Math.max(0, removedRecords - before)
      this.#telemeter.tell?.({ type: 'swept', durationMs: this.#telemeter.nowMs() - atMs, records })
    }
    this.#removedRecords = removedRecords
  }
}

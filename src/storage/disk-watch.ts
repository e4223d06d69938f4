/**
 * Notices a disk that does not answer: whatever is asked of it through here ends in time, if only with an error.
 *
 * Always: time counts only while the process runs. It is counted in slices, and a slice that took longer counts as one: a
 * process that was stopped for a minute finds its write done, once it gets to look, and must not take the disk for hung.
 * Always: what was given up may still happen. Nobody may count on either.
 */
import type { Cancel, Timers } from '../base/clock.js'

/** The last one may be cut: whatever is given up took so many whole slices, and at most one more. */
const SLICES = 8

interface UnderWay {
  slices: number
  readonly giveUp: () => void
}

export class DiskWatch {
  /** What an operation may take. */
  readonly timeoutMs: number
  readonly #timers: Timers | undefined
  readonly #underWay = new Set<UnderWay>()
  #timer: Cancel | undefined
  #hung = false
  #stopped = false

  /** Without timers, or with Infinity, everything is waited for. */
  constructor(timers?: Timers, timeoutMs = Infinity) {
    this.#timers = timeoutMs === Infinity ? undefined : timers
    this.timeoutMs = timeoutMs
  }

  /** Whether anything was ever given up. */
  get hung(): boolean {
    return this.#hung
  }

  /** Settles as `operation` does, or rejects with what `late` makes. A disk that was given up already gets one slice more. */
  wait<T>(operation: Promise<T>, late: () => Error): Promise<T> {
    if (this.#timers === undefined || this.#stopped) return operation
    return new Promise((resolve, reject) => {
      const underWay: UnderWay = {
        slices: this.#hung ? SLICES - 1 : 0,
        giveUp: () => {
          this.#hung = true
          reject(late())
        },
      }
      this.#underWay.add(underWay)
      this.#arm()
      operation
        .finally(() => {
          this.#underWay.delete(underWay)
        })
        .then(resolve, reject)
    })
  }

  /** Nothing is asked any more. */
  stop(): void {
    this.#stopped = true
    this.#timer?.()
    this.#timer = undefined
  }

  /** One timer for all, which goes on until it finds nothing: one for each write would cost more than to look. */
  #arm(): void {
    if (this.#stopped) return
    this.#timer ??= this.#timers?.after(this.timeoutMs / SLICES, this.#onSlice)
  }

  readonly #onSlice = (): void => {
    this.#timer = undefined
    for (const underWay of this.#underWay) {
      if (underWay.slices++ < SLICES) continue
      this.#underWay.delete(underWay)
      underWay.giveUp()
    }
    if (this.#underWay.size > 0) this.#arm()
  }
}

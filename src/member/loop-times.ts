/**
 * How late the event loop was within the last minute: by the lateness of a timer of the member's own, and by the system's own
 * measurement where there is one (base/clock.ts), which sees short delays too.
 *
 * The system's is taken every ten seconds, the last six count: its 99th percentile is that of the worst of them.
 */
import type { LoopLateness, LoopMeter } from '../base/clock.js'

/** What is told of it. */
export interface EventLoopSummary {
  /** How late timers were in the last minute: 99 of 100 of them at most, and the latest. Undefined before the first. */
  readonly p99Ms: number | undefined
  readonly maxMs: number | undefined
  /** Since the member was opened: how often the loop stood still for a quarter of an election timeout or longer. */
  readonly stalls: number
  /** How long the last time, at least; undefined: never. */
  readonly lastStallMs: number | undefined
}

const WINDOW_MS = 60_000
const TAKEN_EVERY_MS = 10_000

export class LoopTimes {
  #meter: LoopMeter | undefined
  /** The member's own, as a ring. */
  readonly #late: number[] = []
  readonly #lateMax: number
  #next = 0
  #taken: LoopLateness[] = []
  #takeAtMs = -Infinity
  #stalls = 0
  #lastStallMs: number | undefined

  /** `everyMs`: how often {@link add} is called. */
  constructor(everyMs: number) {
    this.#lateMax = Math.ceil(WINDOW_MS / everyMs)
  }

  start(meter: LoopMeter | undefined): void {
    this.#meter = meter
  }

  stop(): void {
    this.#meter?.stop()
    this.#meter = undefined
  }

  add(lateMs: number, nowMs: number): void {
    this.#late[this.#next] = Math.max(0, lateMs)
    this.#next = (this.#next + 1) % this.#lateMax
    if (this.#meter === undefined || nowMs < this.#takeAtMs) return
    this.#takeAtMs = nowMs + TAKEN_EVERY_MS
    const taken = this.#meter.take()
    if (taken !== undefined) this.#taken = [...this.#taken, taken].slice(-WINDOW_MS / TAKEN_EVERY_MS)
  }

  stalled(lateMs: number): void {
    this.#stalls++
    this.#lastStallMs = lateMs
  }

  get summary(): EventLoopSummary {
    const sorted = [...this.#late].sort((a, b) => a - b)
    const p99s = this.#taken.map(({ p99Ms }) => p99Ms)
    return {
      p99Ms: p99s.length > 0 ? Math.max(...p99s) : sorted[Math.ceil(0.99 * sorted.length) - 1],
      // The system's histogram misses what was under way when it was taken.
      maxMs: sorted.length === 0 ? undefined : Math.max(...sorted.slice(-1), ...this.#taken.map(({ maxMs }) => maxMs)),
      stalls: this.#stalls,
      lastStallMs: this.#lastStallMs,
    }
  }
}

/**
 * The clock of one machine: it starts where it likes, runs a little fast or slow, may stand still, and its wall time is
 * set by whoever likes to. It outlives the processes that read it.
 *
 * Always: monotonic time never goes back, and counts in whole microseconds. With fractions, a timer for the time left until
 * a deadline could fire before it by the last bit of a number, and find again and again that so little is left that adding
 * it changes nothing.
 * Always: timers follow it, also those that were set before it was changed (scheduler.ts).
 */
import type { Clock } from '../../base/clock.js'

/** The time of the world, which no process sees. */
export interface WorldTime {
  readonly nowUs: number
  /** Timers of `clock` are due at other times now. */
  retime(clock: SimClock): void
}

export interface ClockStart {
  /** Monotonic and wall time at the beginning of the world. Default 0, and an arbitrary date. */
  readonly monotonicMs?: number
  readonly wallMs?: number
}

const MILLION = 1_000_000
const WALL_START_MS = 1_700_000_000_000

interface Swing {
  readonly byMs: number
  readonly periodMs: number
  readonly sinceUs: number
}

export class SimClock implements Clock {
  readonly #world: WorldTime
  /** Since `#worldUs` of the world, when it showed `#localUs`, it runs with `#rate` microseconds in a million. */
  #worldUs: number
  #localUs: number
  #rate = MILLION
  #frozen = false
  #wallMinusMonotonicMs: number
  #swing: Swing | undefined

  constructor(world: WorldTime, { monotonicMs = 0, wallMs = WALL_START_MS }: ClockStart = {}) {
    this.#world = world
    this.#worldUs = world.nowUs
    this.#localUs = Math.round(monotonicMs * 1000)
    this.#wallMinusMonotonicMs = wallMs - monotonicMs
  }

  monotonicMs(): number {
    return this.nowUs / 1000
  }

  wallMs(): number {
    return this.monotonicMs() + this.#wallMinusMonotonicMs + this.#swungMs()
  }

  /** Monotonic time; whole microseconds. */
  get nowUs(): number {
    return this.#localAt(this.#world.nowUs)
  }

  /** The first moment of the world at which this clock shows `localUs`; Infinity while it stands still. */
  worldUsOf(localUs: number): number {
    const aheadUs = localUs - this.#localUs
    if (aheadUs <= 0) return this.#worldUs
    if (this.#frozen) return Infinity
    if (this.#rate === MILLION) return this.#worldUs + aheadUs
    let atUs = this.#worldUs + Math.ceil((aheadUs * MILLION) / this.#rate)
    while (this.#localAt(atUs) < localUs) atUs++
    return atUs
  }

  /** Runs so many microseconds in a million faster from now on, or slower if negative. */
  drift(perMillion: number): void {
    if (!Number.isInteger(perMillion) || perMillion <= -MILLION) {
      throw new RangeError(
        `perMillion must be a whole number above -1000000, not ${perMillion}; freeze() lets a clock stand still`,
      )
    }
    this.#change(() => (this.#rate = MILLION + perMillion))
  }

  freeze(): void {
    this.#change(() => (this.#frozen = true))
  }

  /** Goes on from where it stood. */
  thaw(): void {
    this.#change(() => (this.#frozen = false))
  }

  /** Wall time is set forward, or back if negative; monotonic time does not notice. */
  jumpWall(byMs: number): void {
    this.#wallMinusMonotonicMs += byMs
  }

  /** Wall time swings to and fro around the right one, from now on. */
  swingWall(byMs: number, periodMs: number): void {
    if (!(periodMs > 0)) throw new RangeError(`periodMs must be above 0, not ${periodMs}`)
    this.#swing = { byMs, periodMs, sinceUs: this.#world.nowUs }
  }

  steadyWall(): void {
    this.#swing = undefined
  }

  #change(change: () => void): void {
    const { nowUs } = this.#world
    this.#localUs = this.#localAt(nowUs)
    this.#worldUs = nowUs
    change()
    this.#world.retime(this)
  }

  #localAt(worldUs: number): number {
    const passedUs = this.#frozen ? 0 : worldUs - this.#worldUs
    return this.#localUs + (this.#rate === MILLION ? passedUs : Math.floor((passedUs * this.#rate) / MILLION))
  }

  /** In straight lines: sines may differ in their last bit between engines, and a seed must not. */
  #swungMs(): number {
    if (this.#swing === undefined) return 0
    const { byMs, periodMs, sinceUs } = this.#swing
    const phase = ((this.#world.nowUs - sinceUs) / 1000 / periodMs) % 1
    const height = phase < 0.25 ? 4 * phase : phase < 0.75 ? 2 - 4 * phase : 4 * phase - 4
    return byMs * height
  }
}

/**
 * Virtual time: one queue of everything that will happen, ordered by (time, order of scheduling).
 *
 * Always: two runs that schedule the same things run the same things. Nothing here looks at a real clock; between two
 * events all promises are drained, so that the code under simulation may use `async` freely.
 */
import { assert } from '../../base/assert.js'
import type { Cancel, Clock, Timers } from '../../base/clock.js'
import { drainMicrotasks } from '../../runtime/event-loop.js'

interface Scheduled {
  readonly atUs: number
  readonly order: number
  readonly action: () => void
  /** Whose it is: a process that died takes its events with it. */
  readonly process: SimProcess | undefined
  cancelled: boolean
}

/** More events than this at one instant are a loop that waits for nothing. */
const EVENTS_AT_ONCE_MAX = 100_000

/** One life of one simulated process, from start to crash. */
export interface SimProcess {
  readonly name: string
  alive: boolean
}

export class SimScheduler {
  /** A binary heap on (atUs, order). */
  readonly #heap: Scheduled[] = []
  /**
   * Whole microseconds. With fractions, a timer for the time left until a deadline could fire before it by the last bit of
   * a number, and find again and again that so little is left that adding it changes nothing.
   */
  #nowUs = 0
  #order = 0
  #events = 0
  #eventsNow = 0

  get nowMs(): number {
    return this.#nowUs / 1000
  }

  /** Events run so far. */
  get events(): number {
    return this.#events
  }

  /** Clock and timers of one process; without one, of the world itself. */
  timersOf(process?: SimProcess): Timers {
    return {
      after: (delayMs, action) => this.#schedule(Math.max(0, delayMs), action, process),
      soon: (action) => this.#schedule(0, action, process),
    }
  }

  readonly clock: Clock = {
    monotonicMs: () => this.nowMs,
    // An arbitrary date: nothing may depend on it.
    wallMs: () => 1_700_000_000_000 + this.nowMs,
  }

  /** Runs the next event and everything that follows from it without time passing; false when there is none. */
  async step(): Promise<boolean> {
    for (;;) {
      const next = this.#pop()
      if (next === undefined) return false
      if (next.cancelled || next.process?.alive === false) continue
      this.#eventsNow = next.atUs === this.#nowUs ? this.#eventsNow + 1 : 0
      assert(
        this.#eventsNow < EVENTS_AT_ONCE_MAX,
        () => `time stands still at ${this.nowMs} ms: something is due for ever`,
      )
      this.#nowUs = next.atUs
      this.#events++
      next.action()
      await drainMicrotasks()
      return true
    }
  }

  /** Steps until `until()` holds, or `limitMs` of virtual time have passed; whether it held. `after` runs after every event. */
  async runUntil(until: () => boolean, limitMs: number, after: () => void = () => undefined): Promise<boolean> {
    const endUs = this.#nowUs + Math.ceil(limitMs * 1000)
    while (!until()) {
      const next = this.#heap[0]
      if (next === undefined || next.atUs > endUs) {
        this.#nowUs = Math.max(this.#nowUs, endUs)
        return until()
      }
      await this.step()
      after()
    }
    return true
  }

  #schedule(delayMs: number, action: () => void, process: SimProcess | undefined): Cancel {
    const atUs = this.#nowUs + Math.ceil(delayMs * 1000)
    const scheduled: Scheduled = { atUs, order: this.#order++, action, process, cancelled: false }
    this.#push(scheduled)
    return () => {
      scheduled.cancelled = true
    }
  }

  #push(scheduled: Scheduled): void {
    const heap = this.#heap
    let at = heap.push(scheduled) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(scheduled, heap[parent] as Scheduled)) break
      heap[at] = heap[parent] as Scheduled
      at = parent
    }
    heap[at] = scheduled
  }

  #pop(): Scheduled | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined || heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Scheduled, heap[child] as Scheduled)) child++
      if (!isBefore(heap[child] as Scheduled, last)) break
      heap[at] = heap[child] as Scheduled
      at = child
    }
    heap[at] = last
    return first
  }
}

function isBefore(a: Scheduled, b: Scheduled): boolean {
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order)
}

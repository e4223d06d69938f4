/**
 * Virtual time: one queue of everything that will happen, and processes that see it happen at their own pace.
 *
 * Always: two runs that schedule the same things run the same things. Nothing here looks at a real clock; between two
 * events all promises are drained, so that the code under simulation may use `async` freely.
 */
import { assert } from '../../base/assert.js'
import type { Cancel, Clock, Timers } from '../../base/clock.js'
import { catchingErrors, drainMicrotasks, drainNow, inOwnTurn } from '../../runtime/event-loop.js'
import { EventQueue } from './event-queue.js'
import type { SimClock, WorldTime } from './sim-clock.js'
import type { SimProcess } from './sim-process.js'
import { type Enter, type Pace, type Scheduled } from './sim-process.js'

export { SimProcess } from './sim-process.js'

/** More events than this at one instant are a loop that waits for nothing. */
const EVENTS_AT_ONCE_MAX = 100_000

/** Of how many of them it is told whose they were. */
const EVENTS_NAMED = 1_000

/** After so many events the real event loop has its turn: signals, messages of other threads. */
const EVENTS_PER_TURN = 2_000

export type AfterEvent = (process: SimProcess | undefined) => void

export interface SchedulerOptions {
  /**
   * How promises go on between two events: `at-once`, within one turn of the real event loop, where this Node can do that,
   * or in a turn for each event. The run is the same. Default `at-once`.
   */
  readonly draining?: 'at-once' | 'in-turns'
  /** Told of every event before it runs. */
  readonly observe?: (atUs: number, order: number) => void
  /**
   * Told what nobody caught, thrown or rejected, and in whose event that was; undefined: in one of the world itself. By
   * default, and when it throws, the run ends with it.
   */
  readonly uncaught?: (process: SimProcess | undefined, error: unknown) => void
}

export class SimScheduler implements WorldTime {
  readonly #options: SchedulerOptions
  readonly #drainNow: (() => void) | undefined
  readonly #queue = new EventQueue()
  #nowUs = 0
  #order = 0
  #events = 0
  #eventsNow = 0
  /** How many of the last events at this instant were whose, once there are too many. */
  readonly #blamed = new Map<string, number>()
  /** In which process the event that is running, or ran last, did something. */
  #entered: SimProcess | undefined
  /** What was rejected and not caught, to be thrown out of the run. */
  #failures: unknown[] = []

  constructor(options: SchedulerOptions = {}) {
    this.#options = options
    this.#drainNow = options.draining === 'in-turns' ? undefined : drainNow
  }

  get nowMs(): number {
    return this.#nowUs / 1000
  }

  get nowUs(): number {
    return this.#nowUs
  }

  /** Events run so far. */
  get events(): number {
    return this.#events
  }

  /** Waiting to happen, or cancelled and not yet thrown out. */
  get waiting(): number {
    return this.#queue.size
  }

  /** Timers of one process, by its clock; without one, of the world itself. */
  timersOf(process?: SimProcess): Timers {
    return {
      after: (delayMs, action) => this.#after(Math.max(0, delayMs), action, process),
      soon: (action) => this.#schedule(this.#nowUs, undefined, true, action, process),
    }
  }

  readonly clock: Clock = {
    monotonicMs: () => this.nowMs,
    // An arbitrary date: nothing may depend on it.
    wallMs: () => 1_700_000_000_000 + this.nowMs,
  }

  /** Where things that come from outside are done in `process`: within the event that brings them, or when it runs again. */
  enterOf(process: SimProcess): Enter {
    return (action) => {
      if (!process.alive) return
      if (process.pace.type !== 'running') {
        this.#hold(this.#make(this.#nowUs, undefined, false, action, process), process)
        return
      }
      this.#entered = process
      action()
    }
  }

  /** Changes how the events of `process` are run; what it held back and would not have, runs now, in its order. */
  setPace(process: SimProcess, pace: Pace): void {
    process.pace = pace
    if (pace.type === 'running') this.#release(process)
    if (pace.type === 'lagging' && process.held.length > 0) this.#catchUpLater(process, pace)
  }

  /** The process is gone: nothing of it runs any more, and nothing is kept for it. */
  end(process: SimProcess): void {
    process.end()
    this.#queue.sweep()
  }

  /** The timers of `clock` are due when it says so now. */
  retime(clock: SimClock): void {
    for (const scheduled of this.#queue) {
      const { process, localUs } = scheduled
      if (localUs !== undefined && process?.clock === clock)
        scheduled.atUs = Math.max(this.#nowUs, clock.worldUsOf(localUs))
    }
    this.#queue.sweep()
  }

  /** Runs the next event and everything that follows from it without time passing; false when there is none. */
  async step(): Promise<boolean> {
    const next = this.#next(Infinity)
    if (next === undefined) return false
    this.#run(next)
    await drainMicrotasks()
    return true
  }

  /**
   * Steps until `until()` holds, or `limitMs` of virtual time have passed; whether it held. `after` runs after every event,
   * and is told in which process that did something, if in one.
   */
  async runUntil(until: () => boolean, limitMs: number, after: AfterEvent = () => undefined): Promise<boolean> {
    const endUs = this.#nowUs + Math.ceil(limitMs * 1000)
    this.#throwFailure()
    if (until()) return true
    if (!this.#isDue(endUs)) return this.#ended(until, endUs)
    const drain = this.#drainNow
    if (drain === undefined) return this.#runInTurns(until, endUs, after)
    for (;;) {
      const over = await inOwnTurn(() =>
        catchingErrors(
          (error) => {
            this.caught(this.#entered, error)
          },
          () => this.#runAtOnce(until, endUs, after, drain),
        ),
      )
      if (over !== undefined) return over
    }
  }

  /** Undefined when the real event loop is to have its turn. */
  #runAtOnce(until: () => boolean, endUs: number, after: AfterEvent, drain: () => void): boolean | undefined {
    for (let count = 0; count < EVENTS_PER_TURN; count++) {
      if (until()) return true
      const next = this.#next(endUs)
      if (next === undefined) return this.#ended(until, endUs)
      this.#run(next)
      drain()
      this.#throwFailure()
      after(this.#entered)
    }
    return undefined
  }

  /** What is rejected, or thrown by a microtask, and not caught goes where Node sends it. */
  async #runInTurns(until: () => boolean, endUs: number, after: AfterEvent): Promise<boolean> {
    while (!until()) {
      const next = this.#next(endUs)
      if (next === undefined) return this.#ended(until, endUs)
      // Not in a promise's continuation: what the event leaves to do then comes in the order in which Node does it.
      await inOwnTurn(() => {
        this.#run(next)
      })
      await drainMicrotasks()
      this.#throwFailure()
      after(this.#entered)
    }
    return true
  }

  #ended(until: () => boolean, endUs: number): boolean {
    if (endUs < Infinity) this.#nowUs = Math.max(this.#nowUs, endUs)
    return until()
  }

  /** Whether something may happen until then: it may still be held back. */
  #isDue(endUs: number): boolean {
    for (;;) {
      const { first } = this.#queue
      if (first === undefined || first.atUs > endUs || first.atUs === Infinity) return false
      if (!first.cancelled && first.process?.alive !== false) return true
      this.#queue.pop()
    }
  }

  /** Takes the next event that may run out of the queue. */
  #next(endUs: number): Scheduled | undefined {
    for (;;) {
      if (!this.#isDue(endUs)) return undefined
      const first = this.#queue.pop() as Scheduled
      const { process } = first
      if (process === undefined || mayRun(process.pace, first)) return first
      this.#nowUs = first.atUs
      this.#hold(first, process)
    }
  }

  #run(next: Scheduled): void {
    this.#eventsNow = next.atUs === this.#nowUs ? this.#eventsNow + 1 : 0
    if (this.#eventsNow > EVENTS_AT_ONCE_MAX - EVENTS_NAMED) this.#blame(this.#entered)
    this.#nowUs = next.atUs
    this.#events++
    this.#entered = next.process
    // It is over now: cancelling it any more is nothing.
    next.cancelled = true
    this.#options.observe?.(next.atUs, next.order)
    try {
      next.action()
    } catch (error) {
      this.caught(this.#entered, error)
      this.#throwFailure()
    }
  }

  /** Time may be standing still: whose the last event was. */
  #blame(process: SimProcess | undefined): void {
    if (this.#eventsNow === EVENTS_AT_ONCE_MAX - EVENTS_NAMED + 1) this.#blamed.clear()
    const name = process?.name ?? 'the network and the world'
    this.#blamed.set(name, (this.#blamed.get(name) ?? 0) + 1)
    assert(this.#eventsNow < EVENTS_AT_ONCE_MAX, () => {
      const most = [...this.#blamed].sort(([, left], [, right]) => right - left)
      const shares = most.map(([each, count]) => `${count} of ${each}`).join(', ')
      return `time stands still at ${this.nowMs} ms: something is due for ever; of the last ${EVENTS_NAMED} events ${shares}`
    })
  }

  /** Nobody caught this error of `process`. */
  caught(process: SimProcess | undefined, error: unknown): void {
    const { uncaught } = this.#options
    try {
      if (uncaught === undefined) throw error
      uncaught(process, error)
    } catch (failure) {
      this.#failures.push(failure)
    }
  }

  #throwFailure(): void {
    if (this.#failures.length > 0) throw this.#failures.shift()
  }

  #hold(scheduled: Scheduled, process: SimProcess): void {
    process.held.push(scheduled)
    if (process.pace.type === 'lagging') this.#catchUpLater(process, process.pace)
  }

  #release(process: SimProcess): void {
    for (const scheduled of process.held.splice(0)) {
      scheduled.atUs = this.#nowUs
      scheduled.order = this.#order++
      scheduled.prompt = true
      this.#queue.push(scheduled)
    }
  }

  #catchUpLater(process: SimProcess, { lateUs, sinceUs }: Pace & { type: 'lagging' }): void {
    if (process.catchingUp) return
    process.catchingUp = true
    const turns = Math.floor((this.#nowUs - sinceUs) / lateUs) + 1
    const atUs = sinceUs + turns * lateUs
    this.#schedule(atUs, undefined, true, () => {
      process.catchingUp = false
      if (process.pace.type !== 'paused') this.#release(process)
    })
  }

  #after(delayMs: number, action: () => void, process: SimProcess | undefined): Cancel {
    const delayUs = Math.ceil(delayMs * 1000)
    const clock = process?.clock
    if (clock === undefined) return this.#schedule(this.#nowUs + delayUs, undefined, false, action, process)
    const localUs = clock.nowUs + delayUs
    return this.#schedule(Math.max(this.#nowUs, clock.worldUsOf(localUs)), localUs, false, action, process)
  }

  #schedule(
    atUs: number,
    localUs: number | undefined,
    prompt: boolean,
    action: () => void,
    process?: SimProcess,
  ): Cancel {
    if (process?.alive === false) return () => undefined
    const scheduled = this.#make(atUs, localUs, prompt, action, process)
    this.#queue.push(scheduled)
    return () => {
      this.#queue.cancel(scheduled)
    }
  }

  #make(
    atUs: number,
    localUs: number | undefined,
    prompt: boolean,
    action: () => void,
    process: SimProcess | undefined,
  ): Scheduled {
    return { atUs, order: this.#order++, action, process, localUs, prompt, cancelled: false }
  }
}

/** A process that lags gets late to what comes from outside, and does at once what follows from it. */
function mayRun(pace: Pace, { prompt }: Scheduled): boolean {
  return pace.type === 'running' || (pace.type === 'lagging' && prompt)
}

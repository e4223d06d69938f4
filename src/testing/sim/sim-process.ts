/** One life of one simulated process, from its start to its crash or end. */
import type { SimClock } from './sim-clock.js'

export interface Scheduled {
  /** When it is due, in time of the world. Infinity: by a clock that stands still. */
  atUs: number
  order: number
  action: () => void
  /** Whose it is: a process that died takes its events with it. */
  readonly process: SimProcess | undefined
  /** When it is due by the clock of its process; undefined for what waits for no clock. */
  readonly localUs: number | undefined
  /** Not held back by an event loop that lags: it belongs to the turn that is running. */
  prompt: boolean
  cancelled: boolean
}

/**
 * How its events are run: at once, not at all for now (a stopped process), or when its event loop next gets to it.
 *
 * Always: what is held back is run in the order in which it was due, before anything that follows from it.
 */
export type Pace =
  | { readonly type: 'running' }
  | { readonly type: 'paused' }
  | { readonly type: 'lagging'; readonly lateUs: number; readonly sinceUs: number }

const RUNNING: Pace = { type: 'running' }

export class SimProcess {
  readonly name: string
  /** Undefined: that of the world. */
  readonly clock: SimClock | undefined
  alive = true
  pace: Pace = RUNNING
  /** What is due and held back. */
  held: Scheduled[] = []
  /** Whether the event loop of a lagging process has an appointment with what is held back. */
  catchingUp = false

  constructor(name: string, clock?: SimClock) {
    this.name = name
    this.clock = clock
  }

  run(): void {
    this.pace = RUNNING
  }

  /** Nothing of it ever runs again. */
  end(): void {
    this.alive = false
    this.held = []
  }
}

/** Where work that comes from outside (a frame, an answer of the disk) is done in a process, as soon as that runs. */
export type Enter = (action: () => void) => void

/** At once: for those without a process. */
export const ENTER_AT_ONCE: Enter = (action) => {
  action()
}

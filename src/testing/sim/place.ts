/** A place in the world, where processes come and go: its disk and its clock stay. */
import type { Store } from '../../api/store.js'
import type { SimClock } from './sim-clock.js'
import type { SimDisk } from './sim-disk.js'
import type { SimProcess } from './sim-process.js'

export interface Place {
  readonly name: string
  readonly disk: SimDisk
  readonly clock: SimClock
  /** Where processes that are started from now on are reached: the name, or the name with `#` and something behind it. */
  address: string
  /** The protocol that they speak; undefined: the latest. */
  version: number | undefined
  /** The process that runs there; undefined between its end and the next start. */
  process: SimProcess | undefined
  /** Undefined until `open()` resolved, and after the end of the process; and where another program runs. */
  store: Store | undefined
  /** Why the last start failed, if it did. */
  failure: unknown
  /** Processes started here so far. */
  lives: number
  /** What the process wants to be done before it ends. */
  closers: (() => Promise<void> | void)[]
}

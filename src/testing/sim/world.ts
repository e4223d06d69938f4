/**
 * A small world: members of one cluster as simulated processes, on a simulated clock, network and disks.
 *
 * What runs in it is the shipped code, put together by the same `open()` as in production; only the ports differ. A run is
 * decided by its seed alone, so two runs of one seed give the same trace, event by event.
 */
import type { Environment } from '../../base/clock.js'
import { SILENT } from '../../base/logger.js'
import { seededRandom } from '../../base/seeded-random.js'
import type { Store, StoreStatus } from '../../api/store.js'
import { open } from '../../store/open.js'
import type { Disk } from '../../storage/disk.js'
import type { OpenOptions } from '../../store/options.js'
import { SimDisk, type CrashKind } from './sim-disk.js'
import { SimNetwork } from './sim-network.js'
import { SimScheduler, type SimProcess } from './scheduler.js'
import { Trace } from './trace.js'

type MemberOptions = Omit<OpenOptions, 'name' | 'cluster' | 'disk' | 'dataDir' | 'transport' | 'environment'>

export interface WorldOptions {
  readonly seed: number
  /** Names of the members. Default a, b, c. */
  readonly members?: readonly string[]
  /** For every member, or by its name; what the world provides (disk, transport, environment, cluster) cannot be given. */
  readonly open?: MemberOptions | ((name: string) => MemberOptions)
  /** Stands between each member and what the world gives it, to plant a fault that the checks must find. Default: nothing. */
  readonly plant?: {
    readonly disk?: (disk: Disk) => Disk
    readonly store?: (store: Store) => Store
  }
  /** Keeps the lines of the trace, for people; the hash is kept always. Default false. */
  readonly keepTrace?: boolean
}

/** A member's place in the world: its disk stays, processes come and go. */
export interface Place {
  readonly name: string
  readonly disk: SimDisk
  /** The process that runs there; undefined between a crash and the next start. */
  process: SimProcess | undefined
  /** Undefined until `open()` resolved, and after a crash. */
  store: Store | undefined
  /** Why the last start failed, if it did. */
  failure: unknown
}

export class SimWorld {
  readonly seed: number
  readonly scheduler = new SimScheduler()
  readonly network: SimNetwork
  readonly places: readonly Place[]
  readonly trace: Trace
  readonly #options: WorldOptions
  #starts = 0

  constructor(options: WorldOptions) {
    const { seed, members = ['a', 'b', 'c'], keepTrace = false } = options
    this.seed = seed
    this.#options = options
    this.trace = new Trace(this.scheduler, keepTrace)
    const { clock } = this.scheduler
    const timers = this.scheduler.timersOf()
    this.network = new SimNetwork({
      seed,
      clock,
      timers,
      observe: ({ type, from, to, kind, nth, bytes }) => {
        this.trace.note(`${from} → ${to}  ${type}  kind ${kind}  #${nth}  ${bytes} B`)
      },
    })
    this.places = members.map((name) => ({
      name,
      disk: new SimDisk({ timers, seed, name }),
      process: undefined,
      store: undefined,
      failure: undefined,
    }))
  }

  get nowMs(): number {
    return this.scheduler.nowMs
  }

  place(name: string): Place {
    const place = this.places.find((each) => each.name === name)
    if (place === undefined) throw new RangeError(`there is no member ${name} in this world`)
    return place
  }

  /** Starts a process at a place where none runs. It opens its store in its own time. */
  start(place: Place): void {
    if (place.process !== undefined) throw new RangeError(`a process of ${place.name} runs already`)
    const { plant, open: given } = this.#options
    this.#starts++
    const process: SimProcess = { name: place.name, alive: true }
    place.process = process
    place.failure = undefined
    this.trace.note(`${place.name}  start`)
    const timers = this.scheduler.timersOf(process)
    const environment: Environment = {
      clock: this.scheduler.clock,
      timers,
      random: seededRandom(this.seed * 1009 + this.#starts),
      logger: SILENT,
    }
    const opening = open({
      ...(typeof given === 'function' ? given(place.name) : given),
      name: place.name,
      cluster: Object.fromEntries(this.places.map(({ name }) => [name, name])),
      disk: plant?.disk?.(place.disk.mount()) ?? place.disk.mount(),
      transport: this.network.transport(place.name, timers),
      environment,
    })
    opening.then(
      (store) => {
        if (process.alive) place.store = plant?.store?.(store) ?? store
      },
      (error: unknown) => {
        if (process.alive) place.failure = error
      },
    )
  }

  /** Ends the process without a word. With `power` the disk loses what was not synced. */
  crash(place: Place, kind: CrashKind = 'process'): void {
    if (place.process === undefined) return
    this.trace.note(`${place.name}  crash (${kind})`)
    place.process.alive = false
    place.process = undefined
    place.store = undefined
    this.network.crash(place.name)
    place.disk.crash(kind)
  }

  /** Lets virtual time pass until `until()` holds or `limitMs` are over; whether it held. */
  run(until: () => boolean, limitMs: number, afterEvent: () => void = () => undefined): Promise<boolean> {
    return this.scheduler.runUntil(until, limitMs, afterEvent)
  }

  /** What each living member says of itself. */
  statuses(): StoreStatus[] {
    return this.places.flatMap(({ store }) => (store === undefined ? [] : [store.status()]))
  }
}

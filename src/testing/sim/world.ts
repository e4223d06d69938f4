/**
 * A small world: programs as simulated processes at their places, on simulated clocks, network and disks.
 *
 * What runs in it is the shipped code, by default a member's store put together by the same `open()` as in production; only
 * the ports differ. A run is decided by its seed alone, so two runs of one seed give the same trace, event by event.
 *
 * Always: what a process does, it does within an event of its own or one that `afterEvent` is told to be its own. Always: a
 * process that crashed does nothing any more: its timers do not fire, its disk and its peers do not answer and take nothing.
 */
import type { Buggify } from '../../base/buggify.js'
import { hash64 } from '../../base/checksum.js'
import type { Environment } from '../../base/clock.js'
import { SILENT, type Logger } from '../../base/logger.js'
import { below, type Random } from '../../base/random.js'
import { seededRandom } from '../../base/seeded-random.js'
import type { Store, StoreStatus } from '../../api/store.js'
import type { Disk } from '../../storage/disk.js'
import { open } from '../../store/open.js'
import type { OpenOptions } from '../../store/options.js'
import type { Place } from './place.js'
import { UncaughtError, type Program, type ProgramPorts } from './program.js'
import { SimScheduler, type SchedulerOptions } from './scheduler.js'
import { SimClock } from './sim-clock.js'
import { SimDisk, type CrashKind } from './sim-disk.js'
import { SimNetwork } from './sim-network.js'
import { SimProcess } from './sim-process.js'
import { simSecrets } from './sim-secrets.js'
import { Trace } from './trace.js'
import type { WorldEvent } from './world-event.js'

export type { Place } from './place.js'

export type MemberOptions = Omit<OpenOptions, 'name' | 'cluster' | 'disk' | 'dataDir' | 'transport' | 'environment'>

/** What happened, without the time, which the world knows. */
export type Happening = WorldEvent extends infer Event ? (Event extends unknown ? Omit<Event, 'atMs'> : never) : never

/** As a member that a cluster begins with; or one whose directory may be lost; or one that is added to a cluster. */
export type Beginning = 'first' | 'rejoins' | 'joins'

export interface WorldOptions {
  readonly seed: number
  /** Names of the places, and of the members that run there. Default a, b, c. */
  readonly members?: readonly string[]
  /** Those of them that the cluster begins with. Default all. */
  readonly first?: readonly string[]
  /** What runs at every place. Default: a store, from `open()`. */
  readonly program?: Program
  /** For every member, or by its name; what the world provides (disk, transport, environment, cluster) cannot be given. */
  readonly open?: MemberOptions | ((name: string) => MemberOptions)
  /** How the store at a place is opened, asked at every start. Default `first`. */
  readonly begins?: (place: Place) => Beginning
  /** Stands between each member and what the world gives it, to plant a fault that the checks must find. Default: nothing. */
  readonly plant?: {
    readonly disk?: (disk: Disk) => Disk
    readonly store?: (store: Store) => Store
  }
  /** Which points of a member go the rare way; asked at every start. Default: none. */
  readonly buggify?: (member: string) => Buggify
  /** Default: says nothing. */
  readonly logger?: (member: string) => Logger
  /** Keeps the lines of the trace, for people; the hash is kept always. Default false. */
  readonly keepTrace?: boolean
  /** Told of everything that happens. */
  readonly observe?: (event: WorldEvent) => void
  /**
   * Told of an error that nobody caught at a place; what it throws ends the run. Default: throws {@link UncaughtError}.
   * A real process would die of it: `world.crash(place)`.
   */
  readonly uncaught?: (place: Place, error: unknown) => void
  readonly draining?: SchedulerOptions['draining']
}

const WALL_START_MS = 1_700_000_000_000
/** How far the clocks of two machines are apart at most, in the beginning. */
const WALL_SKEW_MS = 500
/** How long a machine may have been running before. */
const UPTIME_MS_MAX = 1_000_000_000

export class SimWorld {
  readonly seed: number
  readonly scheduler: SimScheduler
  readonly network: SimNetwork
  readonly places: readonly Place[]
  readonly trace: Trace
  readonly #options: WorldOptions
  readonly #placesByName: ReadonlyMap<string, Place>

  constructor(options: WorldOptions) {
    const { seed, members = ['a', 'b', 'c'], keepTrace = false, observe, draining } = options
    checkWorld(seed, members)
    this.seed = seed
    this.#options = options
    this.scheduler = new SimScheduler({
      observe: (atUs, order) => {
        this.trace.event(atUs, order)
      },
      uncaught: (process, error) => {
        this.#uncaught(process, error)
      },
      ...(draining === undefined ? {} : { draining }),
    })
    this.trace = new Trace(this.scheduler, keepTrace)
    const timers = this.scheduler.timersOf()
    this.network = new SimNetwork({
      seed,
      clock: this.scheduler.clock,
      timers,
      places: members,
      observe: (event, bytes) => {
        this.trace.network(event)
        observe?.({ atMs: this.nowMs, subject: 'network', event, bytes })
      },
    })
    this.places = members.map((name) => this.#makePlace(name))
    this.#placesByName = new Map(this.places.map((place) => [place.name, place]))
  }

  get nowMs(): number {
    return this.scheduler.nowMs
  }

  place(name: string): Place {
    const place = this.#placesByName.get(name)
    if (place === undefined) throw new RangeError(`there is no member ${name} in this world`)
    return place
  }

  /** Starts a process at a place where none runs. A store opens in its own time. */
  start(place: Place, program: Program = this.#options.program ?? this.#storeOf(place)): void {
    if (place.process !== undefined) throw new RangeError(`a process of ${place.name} runs already`)
    const process = new SimProcess(place.name, place.clock)
    place.lives++
    place.process = process
    place.failure = undefined
    place.closers = []
    this.#note(place, 'start', `life ${place.lives}`)
    const ports = this.#portsOf(place, process)
    const failed = (error: unknown): void => {
      if (process.alive) this.scheduler.caught(process, error)
    }
    this.scheduler.enterOf(process)(() => {
      try {
        Promise.resolve(program(ports)).catch(failed)
      } catch (error) {
        failed(error)
      }
    })
  }

  /** Asks the process to end (SIGTERM), which takes its time; `place.process` is undefined when it is gone. */
  stop(place: Place): void {
    const { process, closers } = place
    if (process === undefined) return
    this.#note(place, 'stop', '')
    const ended = (): void => {
      if (process.alive) this.#end(place, 'process', 'stopped', '')
    }
    const failed = (error: unknown): void => {
      if (process.alive) this.scheduler.caught(process, error)
    }
    if (closers.length === 0) {
      ended()
      return
    }
    this.scheduler.enterOf(process)(() => {
      Promise.all(closers.map(async (close) => close())).then(ended, failed)
    })
  }

  /** Ends the process without a word. With `power` the disk loses what was not synced. */
  crash(place: Place, kind: CrashKind = 'process'): void {
    if (place.process !== undefined) this.#end(place, kind, 'crash', kind)
  }

  /** Nothing of the process runs, while time goes on (SIGSTOP). */
  pause(place: Place): void {
    if (place.process === undefined) return
    this.#note(place, 'pause', '')
    this.scheduler.setPace(place.process, { type: 'paused' })
  }

  /** What was due meanwhile is run now, in its order. */
  resume(place: Place): void {
    if (place.process === undefined) return
    this.#note(place, 'resume', '')
    this.scheduler.setPace(place.process, { type: 'running' })
  }

  /** The event loop of the process is busy: what is due runs up to `lateMs` late, in bulk. 0 ends it. */
  lag(place: Place, lateMs: number): void {
    if (place.process === undefined) return
    this.#note(place, 'lag', `${lateMs} ms`)
    const lagging = { type: 'lagging', lateUs: Math.ceil(lateMs * 1000), sinceUs: this.scheduler.nowUs } as const
    this.scheduler.setPace(place.process, lateMs > 0 ? lagging : { type: 'running' })
  }

  /**
   * Lets virtual time pass until `until()` holds or `limitMs` are over; whether it held. `afterEvent` is told at which place
   * something was done; undefined: at none, only on the network or in the world.
   */
  run(until: () => boolean, limitMs: number, afterEvent?: (place: Place | undefined) => void): Promise<boolean> {
    // A time that never comes would be waited for without an end.
    if (!(limitMs >= 0 && limitMs < Infinity)) {
      return Promise.reject(new RangeError(`limitMs must be finite and 0 or more, not ${limitMs}`))
    }
    if (afterEvent === undefined) return this.scheduler.runUntil(until, limitMs)
    return this.scheduler.runUntil(until, limitMs, (process) => {
      afterEvent(process === undefined ? undefined : this.#placesByName.get(process.name))
    })
  }

  /** Whether anybody is told: build a happening only then. */
  get observed(): boolean {
    return this.#options.observe !== undefined
  }

  /** Tells those who observe the world of something that somebody else made happen in it. */
  tell(happening: Happening): void {
    this.#options.observe?.({ atMs: this.nowMs, ...happening })
  }

  /** What each living member says of itself. */
  statuses(): StoreStatus[] {
    return this.places.flatMap(({ store }) => (store === undefined ? [] : [store.status()]))
  }

  #makePlace(name: string): Place {
    const { seed, scheduler } = this
    const random = this.#randomOf('clock', name)
    return {
      name,
      address: name,
      version: undefined,
      disk: new SimDisk({
        timers: scheduler.timersOf(),
        seed,
        name,
        observe: ({ kind, part, detail }) => {
          this.trace.note(`${name}  disk ${kind}  ${part}: ${detail}`)
          if (this.observed) this.tell({ subject: 'disk', node: name, event: kind, detail: `${part}: ${detail}` })
        },
      }),
      clock: new SimClock(scheduler, {
        monotonicMs: below(random, UPTIME_MS_MAX),
        wallMs: WALL_START_MS + below(random, 2 * WALL_SKEW_MS) - WALL_SKEW_MS,
      }),
      process: undefined,
      store: undefined,
      failure: undefined,
      lives: 0,
      closers: [],
    }
  }

  #portsOf(place: Place, process: SimProcess): ProgramPorts {
    const { buggify, logger, plant } = this.#options
    const { name, address, version, clock, lives } = place
    const timers = this.scheduler.timersOf(process)
    const enter = this.scheduler.enterOf(process)
    const environment: Environment = {
      clock,
      timers,
      // By its place and life: one crash left out changes nothing for the others.
      random: this.#randomOf('life', name, lives),
      logger: logger?.(name) ?? SILENT,
      secrets: simSecrets(this.#randomOf('secrets', name, lives)),
      ...(buggify === undefined ? {} : { buggify: buggify(name) }),
    }
    const mounted = place.disk.mount(enter)
    return {
      name,
      cluster: Object.fromEntries(this.#first.map((each) => [each, each])),
      environment,
      disk: plant?.disk?.(mounted) ?? mounted,
      transport: this.network.transport(address, timers, enter, version),
      onStop: (close) => {
        if (process.alive) place.closers.push(close)
      },
    }
  }

  /** The program of a member that is nothing but a store. */
  #storeOf(place: Place): Program {
    const { plant, open: given } = this.#options
    return async ({ name, cluster, environment, disk, transport, onStop }) => {
      const { process } = place
      const options = typeof given === 'function' ? given(name) : given
      try {
        const who = this.#beginningOf(place, cluster)
        const store = await open({ ...options, ...who, name, disk, transport, environment })
        if (process?.alive !== true) return
        place.store = plant?.store?.(store) ?? store
        onStop(() => store.close())
        this.#note(place, 'opened', '')
      } catch (error) {
        if (process?.alive !== true) return
        place.failure = error
        this.#note(place, 'failed', error instanceof Error ? error.message : String(error))
      }
    }
  }

  #beginningOf(
    place: Place,
    cluster: Readonly<Record<string, string>>,
  ): Pick<OpenOptions, 'cluster' | 'join' | 'advertise' | 'rejoin'> {
    const begins = this.#options.begins?.(place) ?? 'first'
    if (begins === 'first') return { cluster }
    if (begins === 'rejoins') return { cluster, rejoin: true }
    const others = this.places.filter((each) => each !== place)
    return { join: async () => others.map(({ address }) => address), advertise: place.address }
  }

  get #first(): readonly string[] {
    return this.#options.first ?? this.places.map(({ name }) => name)
  }

  #end(place: Place, kind: CrashKind, event: 'crash' | 'stopped', detail: string): void {
    const { process } = place
    if (process === undefined) return
    this.#note(place, event, detail)
    place.process = undefined
    place.store = undefined
    place.closers = []
    this.scheduler.end(process)
    this.network.crash(place.name)
    place.disk.crash(kind)
  }

  #uncaught(process: SimProcess | undefined, error: unknown): void {
    const place = process === undefined ? undefined : this.#placesByName.get(process.name)
    if (place === undefined) throw error
    if (this.#options.uncaught === undefined) throw new UncaughtError(place.name, error)
    this.#options.uncaught(place, error)
  }

  #note(place: Place, event: (WorldEvent & { subject: 'process' })['event'], detail: string): void {
    this.trace.note(`${place.name}  ${event}${detail === '' ? '' : ` (${detail})`}`)
    if (this.observed) this.tell({ subject: 'process', node: place.name, event, detail })
  }

  #randomOf(...what: readonly (string | number)[]): Random {
    const { high, low } = hash64(Buffer.from(JSON.stringify([this.seed, ...what]), 'utf8'))
    return seededRandom(high ^ low)
  }
}

/** A seed that is none would be another one, silently; of two places with one name only one could be reached. */
function checkWorld(seed: number, members: readonly string[]): void {
  if (!Number.isSafeInteger(seed)) throw new RangeError(`seed must be a whole number, not ${String(seed)}`)
  if (members.length === 0) throw new RangeError('members must have one name at least')
  const twice = members.find((name, at) => members.indexOf(name) !== at)
  if (twice !== undefined) throw new RangeError(`members names ${twice} twice`)
}

/**
 * Starts what is down, as the supervisor of a service does, and tells a failure that a fault explains from one that is a bug.
 *
 * Always: a process that ended, or failed, or did not open its store, is started anew, unless a fault keeps it down.
 * Always: a failure that no fault of the plan explains fails the run: of what rots, members recover.
 */
import type { Store } from '../../api/store.js'
import { isStoreError } from '../../base/errors.js'
import { RunFailure } from '../swarm/failure.js'
import type { SimProcess } from '../sim/scheduler.js'
import type { Place, SimWorld } from '../sim/world.js'

export interface SupervisorHooks {
  readonly opened: (place: Place, store: Store) => void
  /** Nothing of this process ever runs again. */
  readonly ended: (process: SimProcess) => void
  /** What lies on its disk changes by itself. */
  readonly rots: (member: string) => void
  /** Everything on its disk is gone. */
  readonly wiped: (member: string) => void
  /** The directory of this member is that of another one: whether somebody empties it. */
  readonly isOfNobody: (member: string) => boolean
  /** Whether the others could do without what this one has. */
  readonly mayLose: (member: string) => boolean
  /** Whether anybody counts on what this member has. */
  readonly belongs: (member: string) => boolean
  /** A failure without an explanation. */
  readonly broke: (failure: RunFailure) => void
}

interface Watched {
  readonly place: Place
  process: SimProcess | undefined
  store: Store | undefined
  failure: unknown
  /** What keeps it down. */
  readonly holds: Set<object>
  /** To be closed, and then to stay down for so long. */
  restartMs: number | undefined
  /** Its disk may fail: the next start after that comes so late. */
  diskMayFail: boolean
  downAfterFailureMs: number
}

/** Until a process is started anew that ended by itself. */
const RESTART_MS = 500

export class Supervisor {
  readonly #world: SimWorld
  readonly #hooks: SupervisorHooks
  readonly #watched: readonly Watched[]
  /** Whose disk rotted last. */
  #rotten: string | undefined
  /** Since then its disk was read as a whole, or replaced. */
  #verified = false

  constructor(world: SimWorld, hooks: SupervisorHooks) {
    this.#world = world
    this.#hooks = hooks
    this.#watched = world.places.map((place) => ({
      place,
      process: undefined,
      store: undefined,
      failure: undefined,
      holds: new Set(),
      restartMs: undefined,
      diskMayFail: false,
      downAfterFailureMs: RESTART_MS,
    }))
  }

  start(): void {
    for (const watched of this.#watched) this.#startIfItMay(watched)
  }

  /** Nothing keeps a member down any more. */
  heal(): void {
    for (const watched of this.#watched) {
      watched.holds.clear()
      watched.downAfterFailureMs = RESTART_MS
      watched.restartMs = undefined
      this.#startIfItMay(watched)
    }
  }

  /** To be called after every event: sees what became of the processes. */
  look(): void {
    for (const watched of this.#watched) {
      const { place } = watched
      if (watched.process !== place.process) this.#processChanged(watched)
      if (watched.store !== place.store) this.#storeChanged(watched)
      if (place.failure !== undefined && watched.failure !== place.failure) {
        watched.failure = place.failure
        this.#failed(watched, place.failure, 'could not open its store')
      }
    }
  }

  /** Nobody caught an error in the process at `place`, of closing its store for example. It dies of it. */
  uncaught(place: Place, error: unknown): void {
    this.#failed(this.#of(place.name), error, 'did not catch an error')
  }

  keepDown(member: string, forMs: number): void {
    const watched = this.#of(member)
    const release = this.#hold(watched)
    this.#world.scheduler.timersOf().after(forMs, release)
  }

  /** Closes the store and starts anew; whether there was one to close. */
  restart(member: string, downMs: number): boolean {
    const watched = this.#of(member)
    if (watched.place.store === undefined || watched.restartMs !== undefined) return false
    watched.restartMs = downMs
    this.#world.stop(watched.place)
    return true
  }

  expectDiskFailure(member: string, downMs = RESTART_MS): void {
    const watched = this.#of(member)
    watched.diskMayFail = true
    watched.downAfterFailureMs = downMs
  }

  /** Whether the disk of this member may rot: no other one has, or that member is whole again and counts. */
  mayRot(member: string): boolean {
    const { hurt } = this
    return (hurt === undefined || hurt === member) && this.#hooks.mayLose(member)
  }

  /** Whose disk rotted, as long as it is not whole again and counts. */
  get hurt(): string | undefined {
    if (this.#rotten === undefined || !this.#hooks.belongs(this.#rotten)) return undefined
    const status = this.#of(this.#rotten).place.store?.status()
    return this.#verified && status?.promises === 'kept' && !status.awaitsState ? undefined : this.#rotten
  }

  rots(member: string): void {
    this.#rotten = member
    this.#verified = false
    this.#hooks.rots(member)
  }

  /** Everything on its disk is gone, while it is down. */
  wipes(member: string): void {
    this.#of(member).place.disk.wipe()
    this.rots(member)
    this.#hooks.wiped(member)
  }

  /** All that this member has on its disk was looked at, or comes from another one. */
  verified(member: string): void {
    if (member === this.#rotten) this.#verified = true
  }

  /** A member says that something on its disk is damaged, while it runs. */
  damageFound(member: string, error: Error): void {
    if (member === this.#rotten) return
    const message = `${member} found damage on a disk that did nothing wrong: ${error.message}`
    this.#hooks.broke(new RunFailure('crash', message, error))
  }

  #hold(watched: Watched): () => void {
    const hold = {}
    watched.holds.add(hold)
    return () => {
      if (watched.holds.delete(hold)) this.#startIfItMay(watched)
    }
  }

  #processChanged(watched: Watched): void {
    const { process, place, restartMs } = watched
    watched.process = place.process
    watched.failure = undefined
    if (process !== undefined) this.#hooks.ended(process)
    if (place.process !== undefined) return
    watched.restartMs = undefined
    this.keepDown(place.name, restartMs ?? 0)
  }

  #storeChanged(watched: Watched): void {
    const { place } = watched
    const { store, process } = place
    watched.store = store
    if (store === undefined) return
    store.on('failed', (error) => {
      if (place.process === process) this.#failed(watched, error, 'stopped itself')
    })
    this.#hooks.opened(place, store)
  }

  /** The process exits, as one whose store failed should. */
  #failed(watched: Watched, error: unknown, how: string): void {
    const { place } = watched
    if (!this.#explained(watched, error)) {
      const message = error instanceof Error ? error.message : String(error)
      this.#hooks.broke(new RunFailure('crash', `${place.name} ${how}: ${message}`, error))
    }
    // Not from within the turn in which it failed.
    const { process } = place
    this.#world.scheduler.timersOf().after(0, () => {
      if (place.process !== process) return
      this.#world.crash(place, 'process')
      this.keepDown(place.name, watched.downAfterFailureMs)
      watched.downAfterFailureMs = RESTART_MS
    })
  }

  #explained(watched: Watched, error: unknown): boolean {
    if (!isStoreError(error)) return false
    // Nobody has added it yet, or it was removed: it asks again.
    if (error.code === 'JOIN_FAILED') return true
    if (error.code === 'WRONG_MEMBER') return this.#hooks.isOfNobody(watched.place.name)
    return watched.diskMayFail && error.code === 'DISK_FAILED'
  }

  #startIfItMay(watched: Watched): void {
    const { place, holds } = watched
    if (place.process === undefined && holds.size === 0) this.#world.start(place)
  }

  #of(member: string): Watched {
    const watched = this.#watched.find(({ place }) => place.name === member)
    if (watched === undefined) throw new RangeError(`there is no member ${member}`)
    return watched
  }
}

/**
 * Keeps the program running on every node, as the supervisor of a service does: starts what a fault took down once that is
 * over, and what ended by itself if that was asked for.
 *
 * Always: a node is down while anything keeps it down, and no longer. Always: an error that no fault explains is told to
 * the run.
 */
import { isStoreError } from '../../base/errors.js'
import type { Place, SimWorld } from '../sim/world.js'

export interface KeeperOptions {
  readonly world: SimWorld
  /** Undefined: what ended by itself stays down. */
  readonly restartAfterMs: number | undefined
  /** A program ended by an error; whether a fault is to blame. */
  readonly uncaught: (node: string, error: unknown, explained: boolean) => void
}

interface Kept {
  readonly place: Place
  /** What keeps it down. */
  readonly holds: Set<object>
  /** Is asked to stop, and to stay down for so long. */
  restartMs: number | undefined
  /** A fault of its disk: how long it stays down when it ends of that. */
  diskFailureMs: number | undefined
  /** What is on its disk may be damaged beyond what this version repairs. */
  mayBeLost: boolean
  /** It did not open its store for that reason: it stays down for good. */
  lost: boolean
}

/** Until a program is started again that ended of its disk. */
const RESTART_MS = 500
/** How long a program may take to stop before it is killed. */
const STOP_MS = 10_000

export class Keeper {
  readonly #options: KeeperOptions
  readonly #kept: readonly Kept[]

  constructor(options: KeeperOptions) {
    this.#options = options
    this.#kept = options.world.places.map((place) => ({
      place,
      holds: new Set(),
      restartMs: undefined,
      diskFailureMs: undefined,
      mayBeLost: false,
      lost: false,
    }))
  }

  startAll(): void {
    for (const kept of this.#kept) this.#startIfItMay(kept)
  }

  /** Nothing keeps a node down any more. */
  heal(): void {
    for (const kept of this.#kept) kept.holds.clear()
    this.startAll()
  }

  /** To be called after every event at a place: a program that was asked to stop may have. */
  look(place: Place): void {
    if (place.process !== undefined) return
    const kept = this.#of(place.name)
    if (kept.restartMs === undefined) return
    const downMs = kept.restartMs
    kept.restartMs = undefined
    this.keepDown(place.name, downMs)
  }

  keepDown(node: string, forMs: number): void {
    const kept = this.#of(node)
    const hold = {}
    kept.holds.add(hold)
    this.#after(forMs, () => {
      if (kept.holds.delete(hold)) this.#startIfItMay(kept)
    })
  }

  /** Asks a program to stop, and starts it again; whether there was one to ask. */
  restart(node: string, downMs: number): boolean {
    const kept = this.#of(node)
    const { place } = kept
    const { process } = place
    if (process === undefined || kept.restartMs !== undefined) return false
    kept.restartMs = downMs
    this.#options.world.stop(place)
    this.look(place)
    this.#after(STOP_MS, () => {
      if (place.process !== process) return
      this.#options.world.crash(place)
      this.look(place)
    })
    return true
  }

  expectDiskFailure(node: string, downMs = RESTART_MS): void {
    this.#of(node).diskFailureMs = downMs
  }

  /** Whoever asks for rot by name says by that how much. */
  mayRot(): boolean {
    return true
  }

  /** A member that is alone on it cannot recover: then its program fails, and it is lost. */
  rots(node: string): void {
    this.#of(node).mayBeLost = true
  }

  /** Whether its program gets it all back from others is a matter of how it opens its store. */
  wipes(node: string): void {
    const kept = this.#of(node)
    kept.place.disk.wipe()
    kept.mayBeLost = true
  }

  /** The program of a node threw, or rejected. It ends at once. */
  threw(place: Place, error: unknown): void {
    if (place.process === undefined) return
    const { world, restartAfterMs, uncaught } = this.#options
    const kept = this.#of(place.name)
    const lost = kept.mayBeLost && isLoss(error)
    const ofDisk = kept.diskFailureMs !== undefined && isOfDisk(error)
    uncaught(place.name, error, lost || ofDisk)
    world.crash(place)
    kept.restartMs = undefined
    if (lost) kept.lost = true
    const afterMs = ofDisk ? kept.diskFailureMs : restartAfterMs
    if (afterMs !== undefined) this.keepDown(place.name, afterMs)
  }

  #startIfItMay({ place, holds, lost }: Kept): void {
    if (place.process === undefined && holds.size === 0 && !lost) this.#options.world.start(place)
  }

  #after(delayMs: number, action: () => void): void {
    this.#options.world.scheduler.timersOf().after(delayMs, action)
  }

  #of(node: string): Kept {
    const kept = this.#kept.find(({ place }) => place.name === node)
    if (kept === undefined) throw new RangeError(`there is no node ${node} in this world`)
    return kept
  }
}

/** What it has is damaged beyond repair, or it has forgotten what it promised. */
function isLoss(error: unknown): boolean {
  return isStoreError(error, 'DATA_DAMAGED') || (isStoreError(error, 'MEMBER_FAILED') && isLoss(error.cause))
}

/** The disk failed on opening, or under a member that stopped itself for it. */
function isOfDisk(error: unknown): boolean {
  return isStoreError(error, 'DISK_FAILED') || (isStoreError(error, 'MEMBER_FAILED') && isOfDisk(error.cause))
}

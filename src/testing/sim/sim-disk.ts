/**
 * A simulated disk: it outlives the processes that use it, and a crash leaves on it what a real one may find.
 *
 *     const disk = new SimDisk({ timers, seed, name: 'a' })
 *     const storage = await openStorage(disk.mount(), identity)
 *     disk.crash('power')                      // the process that had it mounted is gone
 *     await openStorage(disk.mount(), identity)
 *
 * Always: everything that takes time takes it from the timers, and everything that can go either way is drawn from the
 * seed, the disk's name and what it is about: the same seed gives the same run.
 * Always: a mount that was there at a crash never calls back again; what its process still hands over is not written.
 *
 * What a crash leaves is in sim-medium.ts and sim-slot-file.ts, what decay leaves in sim-rot.ts. docs/DISK-FAULTS.md says
 * which fault is found by whom.
 */
import { assert } from '../../base/assert.js'
import type { Timers } from '../../base/clock.js'
import { StoreError } from '../../base/errors.js'
import { damaged } from '../../storage/damage.js'
import type { CreateOptions, Database, DatabaseName, Disk, DiskSpace, StateSlot } from '../../storage/disk.js'
import { diskFailure } from '../../storage/disk-failure.js'
import { DiskFate } from './disk-fate.js'
import { type FailingOperation, SimCondition, type SimDiskObserver } from './sim-condition.js'
import { SimLevel } from './sim-level.js'
import { type CrashKind, type MediumImage, SimMedium } from './sim-medium.js'
import { type Enter, type SimDiskLatency, SimMount } from './sim-mount.js'
import { type Rot, rotMedium } from './sim-rot.js'
import { SimSlotContent, SimSlotFile } from './sim-slot-file.js'

export type { SimDiskEvent, SimDiskEventKind, SimDiskObserver } from './sim-condition.js'
export type { CrashKind } from './sim-medium.js'
export type { Enter, SimDiskLatency } from './sim-mount.js'
export type { Rot } from './sim-rot.js'

/** A fast disk: a sync takes some tenths of a millisecond (measured: 0.2). */
const LATENCY: SimDiskLatency = { open: [0.1, 1], read: [0.01, 0.1], write: [0.01, 0.1], sync: [0.1, 1] }

/** How large it says it is. Nothing depends on how much really lies on it. */
const DISK_BYTES = 2 ** 30

/** As level-disk.ts has it; what a flipped bit does depends on it. */
const COMPRESSED: Readonly<Record<DatabaseName, boolean>> = { log: false, state: true, 'state-2': true }
const DATABASES: readonly DatabaseName[] = ['log', 'state', 'state-2']

/** What decays: the log, the database in which the state is, or the high-water file. */
export type DiskPart = 'log' | 'state' | 'high-water'

export interface SimDiskOptions {
  /** Of the world, not of a process: a crash must not depend on whose timers they were. */
  readonly timers: Timers
  readonly seed: number
  /** Disks of one seed and different names have different fates. Default: "disk". */
  readonly name?: string
  readonly latency?: Partial<SimDiskLatency>
  /** Told of each fault that really took effect. */
  readonly observe?: SimDiskObserver
}

/** Everything that was on a disk at one moment. */
export interface SimDiskCopy {
  readonly databases: Readonly<Record<DatabaseName, MediumImage>>
  readonly highWater: Uint8Array | undefined
}

export class SimDisk {
  /** For messages. */
  readonly location: string
  readonly #timers: Timers
  readonly #latency: SimDiskLatency
  readonly #condition: SimCondition
  readonly #fate: DiskFate
  readonly #databases: Readonly<Record<DatabaseName, SimMedium>>
  readonly #highWater: SimSlotContent
  readonly #mounts = new Set<SimMount>()
  /** Who has acquired the disk. */
  #owner: SimMount | undefined
  /** What was there before the first open that was not verified since. */
  #beforeOpen: SimDiskCopy | undefined
  /** The same, once something of it was found damaged and is being thrown away. */
  #givenUp: SimDiskCopy | undefined
  #damaged: SimDiskCopy | undefined

  constructor(options: SimDiskOptions) {
    const { seed, name = 'disk' } = options
    const condition = new SimCondition(options.observe)
    const fate = (part: string): DiskFate => new DiskFate(seed, name, part)
    this.location = `the disk of ${name}`
    this.#timers = options.timers
    this.#latency = { ...LATENCY, ...options.latency }
    this.#condition = condition
    this.#fate = fate('folder')
    this.#databases = {
      log: new SimMedium(fate('log'), condition),
      state: new SimMedium(fate('state'), condition),
      'state-2': new SimMedium(fate('state-2'), condition),
    }
    this.#highWater = new SimSlotContent(fate('high-water'), condition)
  }

  /**
   * The disk as one process sees it, from its start to its crash or end. What the disk has done comes into the process by
   * `enter`: on the disk itself it has happened even if that process is paused. Default: at once.
   */
  mount(enter?: Enter): Disk {
    const fate = this.#fate
    const mount = new SimMount(this.#timers, this.#latency, this.#condition, enter)
    this.#mounts.add(mount)
    return {
      permanent: true,
      location: this.location,
      peek: () => mount.later(fate, 'read', () => this.#highWater.read()),
      acquire: async () => {
        await mount.later(fate, 'open')
        this.#acquire(mount)
      },
      openDatabase: (name, create) => this.#openDatabase(mount, name, create),
      openSlotFile: async () => {
        await mount.later(fate, 'open')
        return new SimSlotFile(this.#highWater, mount)
      },
      databases: () => mount.later(fate, 'read', () => DATABASES.filter((name) => this.#databases[name].exists)),
      discardDatabase: (name) => {
        const medium = this.#databases[name]
        // From here on it does not open, whether or not a crash comes before all of it is gone.
        if (mount.alive && medium.exists) medium.unopenable = 'Corruption: CURRENT is gone'
        return mount.later(medium.fate, 'sync', () => {
          medium.replace(undefined)
        })
      },
      givenUp: () => {
        this.#givenUp ??= this.#beforeOpen
        this.#beforeOpen = undefined
      },
      verified: () => {
        this.#beforeOpen = undefined
        this.#damaged = this.#givenUp ?? this.#damaged
        this.#givenUp = undefined
      },
      space: () => mount.later(fate, 'read', () => this.#space),
      sizeBytes: () => mount.later(fate, 'read', () => this.#sizeBytes),
      release: async () => {
        await mount.later(fate, 'open')
        if (this.#owner === mount) this.#owner = undefined
      },
    }
  }

  /** Ends all processes that have the disk mounted, and decides what is left. */
  crash(kind: CrashKind): void {
    for (const mount of this.#mounts) mount.kill()
    this.#mounts.clear()
    this.#owner = undefined
    for (const name of DATABASES) this.#databases[name].crash(kind)
    this.#highWater.crash(kind)
  }

  /** From here on everything takes `factor` times as long; 1 ends it. */
  slow(factor: number): void {
    if (!(factor > 0 && factor < Infinity))
      throw new RangeError(`a disk is slowed by a factor above 0, not by ${factor}`)
    this.#condition.factor = factor
  }

  /**
   * Nothing that the disk was asked for comes back before {@link goOn}. Reads and writes that do not wait (of the state while
   * applying, of the high-water file) go to the page cache and go on.
   */
  hang(): void {
    this.#condition.hang()
  }

  /** What was ready while the disk hung comes back now, in its order. */
  goOn(): void {
    for (const over of this.#condition.goOn()) this.#timers.after(0, over)
  }

  /** The next sync, of whatever it is, rejects; what it wrote is on the disk, or not, and the database takes no more writes. */
  failNextSync(): void {
    this.#condition.failNext('sync')
  }

  /** The next operation of this kind fails with EIO. A failed write has written nothing that could be read. */
  failNext(operation: FailingOperation): void {
    this.#condition.failNext(operation)
  }

  /**
   * No space is left: writes of the databases and opens fail. The high-water file is overwritten in place. What the disk says
   * is free stays: as where the quota of a user is used up, which nobody is told of before.
   */
  fill(): void {
    this.#condition.full = true
  }

  /** So much is left, says the disk, and takes what is written all the same; undefined ends it. */
  leave(freeBytes: number | undefined): void {
    this.#condition.freeBytes = freeBytes
  }

  /** There is space again. */
  free(): void {
    this.#condition.full = false
  }

  /** While `on`, syncs are acknowledged and do nothing: only a loss of power shows it. */
  lie(on: boolean): void {
    this.#condition.lying = on
  }

  /** Ends everything above: the disk works as it should. What it has lost stays lost. */
  heal(): void {
    this.goOn()
    this.#condition.heal()
  }

  /**
   * What lies on the disk decays, synced or not. A running process notices what it reads; of the log it notices nothing
   * before the next open. Of the high-water file: a torn slot, a page of zeros, a bit, or the whole file. Returns whether
   * there was anything to decay.
   */
  rot(rot: Rot, part: DiskPart): boolean {
    if (part === 'high-water') return this.#highWater.rot(rot)
    const name = part === 'log' ? part : this.#stateName
    return rotMedium(this.#databases[name], rot, COMPRESSED[name])
  }

  /** How many acknowledged writes a power loss could take now. Without lies and failures: none of a synced database. */
  unsynced(part: DiskPart): number {
    if (part === 'high-water') return this.#highWater.atRisk
    const { log, state, 'state-2': second } = this.#databases
    return part === 'log' ? log.unsynced : state.unsynced + second.unsynced
  }

  /** The disk is empty, as a new one. Its process must be gone. */
  wipe(): void {
    this.#replace(undefined)
    this.#condition.observe?.({ kind: 'wiped', part: 'disk', detail: this.location })
  }

  /** What a copy of the directory holds that is made now: for {@link restore}, here or on another disk. */
  copy(): SimDiskCopy {
    const { log, state, 'state-2': second } = this.#databases
    const databases = { log: log.image(), state: state.image(), 'state-2': second.image() }
    return { databases, highWater: this.#highWater.image() }
  }

  /** Puts a copy in the place of everything: an older one rolls the disk back, another disk's swaps them. */
  restore(copy: SimDiskCopy): void {
    this.#replace(copy)
    this.#condition.observe?.({ kind: 'restored', part: 'disk', detail: this.location })
  }

  /** What was there before the first open that was not verified since, as a data directory keeps it in before-open/. */
  get beforeOpen(): SimDiskCopy | undefined {
    return this.#beforeOpen
  }

  /** What was there before the last open that threw something away, as a data directory keeps it in damaged/. */
  get damaged(): SimDiskCopy | undefined {
    return this.#damaged
  }

  get #space(): DiskSpace {
    const { freeBytes = DISK_BYTES } = this.#condition
    return { freeBytes, totalBytes: DISK_BYTES }
  }

  get #sizeBytes(): number {
    const bytes = DATABASES.reduce((sum, name) => sum + this.#databases[name].sizeBytes, 0)
    return bytes + (this.#highWater.read()?.byteLength ?? 0)
  }

  /** While another state is being received both are there: either may be meant. */
  get #stateName(): StateSlot {
    const { state, 'state-2': second } = this.#databases
    if (!second.exists) return 'state'
    return state.exists && this.#fate.onceIn('rot-place', 2) ? 'state' : 'state-2'
  }

  #replace(copy: SimDiskCopy | undefined): void {
    if (this.#owner !== undefined)
      throw new RangeError(`${this.location} is in use: end its process before the disk is replaced`)
    for (const name of DATABASES) this.#databases[name].replace(copy?.databases[name])
    this.#highWater.replace(copy?.highWater)
    this.#beforeOpen = this.#givenUp = this.#damaged = undefined
  }

  #acquire(mount: SimMount): void {
    if (this.#owner !== undefined)
      throw new StoreError('DATA_DIR_IN_USE', `${this.location} is in use by another process`)
    this.#owner = mount
    if (this.#givenUp !== undefined || !DATABASES.some((name) => this.#databases[name].exists)) return
    this.#beforeOpen ??= this.copy()
  }

  /** Fails as a data directory does (level-disk.ts). */
  async #openDatabase(mount: SimMount, name: DatabaseName, { create }: CreateOptions): Promise<Database> {
    assert(this.#owner === mount, 'the disk is not acquired')
    const medium = this.#databases[name]
    if (!medium.exists && !create) throw damaged(this.location, `the ${name} database does not exist`)
    const database = new SimLevel(medium, mount)
    try {
      await database.open()
    } catch (error) {
      const { code, message } = ((error as Error).cause ?? error) as Error & { code?: string }
      if (code === 'LEVEL_CORRUPTION')
        throw damaged(this.location, `the ${name} database cannot be opened: ${message}`, error)
      throw diskFailure(`${this.location} cannot be opened`, error)
    }
    return database
  }
}

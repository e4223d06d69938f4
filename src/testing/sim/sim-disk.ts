/**
 * A simulated disk: it outlives the processes that use it, and a crash leaves on it what a real one may find.
 *
 *     const disk = new SimDisk({ timers, random })
 *     const storage = await openStorage(disk.mount(), identity)
 *     disk.crash('power')                      // the process that had it mounted is gone
 *     await openStorage(disk.mount(), identity)
 *
 * Always: everything that takes time takes it from the timers, and everything that can go either way is drawn from the
 * random numbers: the same seed gives the same run.
 * Always: a mount that was there at a crash never calls back again; what its process still hands over is not written.
 *
 * What a crash leaves is in sim-medium.ts and sim-slot-file.ts.
 */
import { assert } from '../../base/assert.js'
import type { Timers } from '../../base/clock.js'
import { StoreError } from '../../base/errors.js'
import type { Random } from '../../base/random.js'
import { damaged } from '../../storage/damage.js'
import { DATABASE_OPTIONS } from '../../storage/database-options.js'
import type { CreateOptions, Database, DatabaseName, Disk } from '../../storage/disk.js'
import { SimLevel } from './sim-level.js'
import { type CrashKind, SimMedium } from './sim-medium.js'
import { type SimDiskLatency, SimMount } from './sim-mount.js'
import { SimSlotContent, SimSlotFile } from './sim-slot-file.js'

export type { CrashKind } from './sim-medium.js'
export type { SimDiskLatency } from './sim-mount.js'

/** A fast disk: a sync takes some tenths of a millisecond (measured: 0.2). */
const LATENCY: SimDiskLatency = { open: [0.1, 1], read: [0.01, 0.1], write: [0.01, 0.1], sync: [0.1, 1] }

export interface SimDiskOptions {
  /** Of the world, not of a process: a crash must not depend on whose timers they were. */
  readonly timers: Timers
  readonly random: Random
  /** For messages. */
  readonly location?: string
  readonly latency?: Partial<SimDiskLatency>
}

export class SimDisk {
  readonly location: string
  readonly #options: SimDiskOptions
  readonly #databases: Readonly<Record<DatabaseName, SimMedium>>
  readonly #highWater: SimSlotContent
  readonly #mounts = new Set<SimMount>()
  /** Who has acquired the disk. */
  #owner: SimMount | undefined

  constructor(options: SimDiskOptions) {
    const { random } = options
    this.#options = options
    this.location = options.location ?? 'the simulated disk'
    this.#databases = { log: new SimMedium(random), state: new SimMedium(random) }
    this.#highWater = new SimSlotContent(random)
  }

  /** The disk as one process sees it, from its start to its crash or end. */
  mount(): Disk {
    const { timers, random, latency } = this.#options
    const mount = new SimMount(timers, random, { ...LATENCY, ...latency })
    this.#mounts.add(mount)
    return {
      permanent: true,
      location: this.location,
      peek: () => mount.later('read', () => this.#highWater.read()),
      acquire: async () => {
        await mount.later('open')
        this.#acquire(mount)
      },
      openDatabase: (name, create) => this.#openDatabase(mount, name, create),
      openSlotFile: async () => {
        await mount.later('open')
        return new SimSlotFile(this.#highWater, mount)
      },
      release: async () => {
        await mount.later('open')
        if (this.#owner === mount) this.#owner = undefined
      },
    }
  }

  /** Ends all processes that have the disk mounted, and decides what is left. */
  crash(kind: CrashKind): void {
    for (const mount of this.#mounts) mount.kill()
    this.#mounts.clear()
    this.#owner = undefined
    this.#databases.log.crash(kind)
    this.#databases.state.crash(kind)
    this.#highWater.crash(kind)
  }

  #acquire(mount: SimMount): void {
    if (this.#owner !== undefined)
      throw new StoreError('DATA_DIR_IN_USE', `${this.location} is in use by another process`)
    this.#owner = mount
  }

  async #openDatabase(mount: SimMount, name: DatabaseName, { create }: CreateOptions): Promise<Database> {
    assert(this.#owner === mount, 'the disk is not acquired')
    const medium = this.#databases[name]
    if (!medium.exists && !create) throw damaged(this.location, `the ${name} database does not exist`)
    const database = new SimLevel(medium, mount, DATABASE_OPTIONS)
    await database.open()
    return database
  }
}

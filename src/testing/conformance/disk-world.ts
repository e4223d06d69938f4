/** What the suite of disks stands on: one disk for each test, opened as storage opens it. */
import { asBuffer } from '../../base/bytes.js'
import { DURABLE } from '../../storage/database-options.js'
import type { Database, DatabaseName, Disk, SlotFile } from '../../storage/disk.js'
import { check } from './check.js'

/** The disk of one test, and what becomes of it. */
export interface DiskHarness {
  /** A way to the disk, always the same one: each call is made by another process, or by another store of this one. */
  disk(): Disk
  /**
   * A disk that holds what is left if this process ended right now, in the middle of whatever it does: for a directory, a
   * copy of its files. Needed of a disk that is permanent.
   */
  afterDeath?(): Disk | Promise<Disk>
  /**
   * The same for a loss of power, which takes what was not synced. For disks that can be tried so; nothing that is open may
   * be used any more.
   */
  afterPowerLoss?(): Disk | Promise<Disk>
  /** After the test, when everything is closed. */
  dispose?(): Promise<void> | void
}

/** Tests by what they show; each gets a disk of its own, which is empty. */
export type DiskTests = Readonly<Record<string, (world: DiskWorld) => Promise<void>>>

/** A disk that is acquired. */
export interface OpenDisk {
  readonly disk: Disk
  open(name: DatabaseName, create?: boolean): Promise<Database>
  slots(): Promise<SlotFile>
  close(): Promise<void>
}

export class DiskWorld {
  readonly harness: DiskHarness
  readonly #open = new Set<OpenDisk>()

  constructor(harness: DiskHarness) {
    this.harness = harness
  }

  /** Acquires the disk; everything that is opened on it is closed with it, last opened first. */
  async acquire(disk = this.harness.disk(), create = true): Promise<OpenDisk> {
    await disk.acquire({ create })
    const closers: (() => Promise<void>)[] = []
    const opened: OpenDisk = {
      disk,
      open: async (name, mayCreate = true) => {
        const database = await disk.openDatabase(name, { create: mayCreate })
        closers.push(() => database.close())
        return database
      },
      slots: async () => {
        const file = await disk.openSlotFile('high-water')
        closers.push(() => file.close())
        return file
      },
      close: async () => {
        this.#open.delete(opened)
        for (const close of closers.splice(0).reverse()) await close()
        await disk.release()
      },
    }
    this.#open.add(opened)
    return opened
  }

  /** One database on a disk that was just acquired. */
  async database(name: DatabaseName = 'state'): Promise<Database> {
    return (await this.acquire()).open(name)
  }

  /** What the process leaves that ends now. */
  async afterDeath(): Promise<Disk> {
    check(this.harness.afterDeath !== undefined, 'the harness of a permanent disk needs afterDeath()')
    return this.harness.afterDeath()
  }

  /** What a loss of power leaves; undefined where that cannot be tried. */
  async afterPowerLoss(): Promise<Disk | undefined> {
    if (this.harness.afterPowerLoss === undefined) return undefined
    this.#open.clear()
    return this.harness.afterPowerLoss()
  }

  async dispose(): Promise<void> {
    for (const opened of [...this.#open].reverse()) await opened.close()
    await this.harness.dispose?.()
  }
}

/** A change of a batch: a value, or undefined for a deletion. */
export type Change = readonly [key: string, value: Uint8Array | undefined]

/** As storage writes: one chained batch, durable when it resolves. */
export async function writeDurably(database: Database, ...changes: readonly Change[]): Promise<void> {
  const batch = database.batch()
  for (const [key, value] of changes) {
    if (value === undefined) batch.del(key)
    else batch.put(key, value)
  }
  await batch.write(DURABLE)
}

/** Everything in a database, read as storage loads it: in chunks. */
export async function contentOf(database: Database, range: object = {}, chunk = 7): Promise<readonly string[]> {
  const iterator = database.iterator(range)
  const found: string[] = []
  try {
    for (;;) {
      const pairs = await iterator.nextv(chunk)
      if (pairs.length === 0) return found
      found.push(...pairs.map(([key, value]) => describePair(key, value)))
    }
  } finally {
    await iterator.close()
  }
}

export function describePair(key: string, value: Uint8Array): string {
  return `${describeKey(key)}=${asBuffer(value).toString('latin1')}`
}

/** Keys hold any byte: those that cannot be printed in hexadecimal. */
export function describeKey(key: string): string {
  return /^[!-~]+$/.test(key) ? key : `0x${Buffer.from(key, 'latin1').toString('hex')}`
}

export function bytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1')
}

/** What a value reads as; undefined where there is none. */
export function textOf(value: Uint8Array | undefined): string | undefined {
  return value === undefined ? undefined : asBuffer(value).toString('latin1')
}

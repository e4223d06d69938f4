/** A disk whose writes fail or hang from a moment on: over a real one, and through the same port. */
import type { Database, DatabaseName, Disk } from '../../src/storage/disk.js'

export class FaultyDisk {
  /** What the next writes reject with. */
  failure: Error | undefined
  /** Which databases it concerns. */
  readonly databases: readonly DatabaseName[]
  /** Reads never answer. */
  readsHang = false
  readonly #disk: Disk

  constructor(disk: Disk, databases: readonly DatabaseName[] = ['log', 'state']) {
    this.#disk = disk
    this.databases = databases
  }

  disk(): Disk {
    const disk = this.#disk
    return {
      permanent: true,
      location: disk.location,
      peek: (name) => disk.peek(name),
      acquire: (options) => disk.acquire(options),
      release: () => disk.release(),
      databases: () => disk.databases(),
      discardDatabase: (name) => disk.discardDatabase(name),
      openSlotFile: (name) => disk.openSlotFile(name),
      openDatabase: async (name, options) => {
        const database = await disk.openDatabase(name, options)
        return this.databases.includes(name) ? this.#faulty(database) : database
      },
    }
  }

  #faulty(database: Database): Database {
    return new Proxy(database, {
      get: (target, property) => {
        const value: unknown = Reflect.get(target, property, target)
        if (typeof value !== 'function') return value
        if (property === 'getMany' && this.readsHang) return () => new Promise(() => undefined)
        if (property === 'batch') return this.#batch(target)
        return value.bind(target) as unknown
      },
    })
  }

  #batch(database: Database) {
    return (...operations: unknown[]): unknown => {
      if (operations.length > 0) {
        if (this.failure !== undefined) return Promise.reject(this.failure)
        return (database.batch as (...args: unknown[]) => unknown)(...operations)
      }
      const batch = database.batch()
      const write = batch.write.bind(batch)
      batch.write = ((...args: Parameters<typeof write>) =>
        this.failure === undefined ? write(...args) : Promise.reject(this.failure)) as typeof batch.write
      return batch
    }
  }
}

/** A disk that tells what is read from the state through it. */
import type { Disk } from '../../src/storage/disk.js'

/** Tells of every key that is read from the state, in whatever way. */
export function observed(disk: Disk, read: (keys: readonly string[]) => void): Disk {
  return {
    permanent: disk.permanent,
    location: disk.location,
    peek: (name) => disk.peek(name),
    acquire: (options) => disk.acquire(options),
    release: () => disk.release(),
    databases: () => disk.databases(),
    discardDatabase: (name) => disk.discardDatabase(name),
    openSlotFile: (name) => disk.openSlotFile(name),
    async openDatabase(name, options) {
      const database = await disk.openDatabase(name, options)
      if (name !== 'state') return database
      const getMany = database.getMany.bind(database) as (keys: string[]) => Promise<Uint8Array[]>
      const getSync = database.getSync.bind(database)
      return Object.assign(database, {
        getMany: (keys: string[]) => {
          read(keys)
          return getMany(keys)
        },
        getSync: (key: string) => {
          read([key])
          return getSync(key)
        },
      })
    },
  }
}

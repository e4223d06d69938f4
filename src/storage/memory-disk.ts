/** A disk that forgets: memory-level, for a member without a data directory. */
import { MemoryLevel } from 'memory-level'
import { assert } from '../base/assert.js'
import { StoreError } from '../base/errors.js'
import { DATABASE_OPTIONS } from './database-options.js'
import type { Disk, SlotFile } from './disk.js'

/** A new disk of its own; after its release nothing is left, and it may be acquired again. */
export function memoryDisk(): Disk {
  let acquired = false
  return {
    permanent: false,
    location: 'memory',
    peek: async () => undefined,
    async acquire() {
      if (acquired)
        throw new StoreError('DATA_DIR_IN_USE', 'this memory disk is open already: give each member its own')
      acquired = true
    },
    async openDatabase() {
      assert(acquired, 'the disk is not acquired')
      const database = new MemoryLevel<string, Uint8Array>({ ...DATABASE_OPTIONS, storeEncoding: 'buffer' })
      await database.open()
      return database
    },
    async openSlotFile() {
      assert(acquired, 'the disk is not acquired')
      return memorySlotFile()
    },
    // Each open makes a database of its own: there is nothing to be found or removed.
    databases: async () => [],
    discardDatabase: async () => undefined,
    sizeBytes: async () => 0,
    async release() {
      acquired = false
    },
  }
}

function memorySlotFile(): SlotFile {
  let content: Uint8Array | undefined
  return {
    read: async () => content,
    async create(created) {
      content = Uint8Array.from(created)
    },
    writeSync(bytes, offset) {
      assert(content !== undefined, 'the file is not created')
      content.set(bytes, offset)
    },
    sync: async () => undefined,
    close: async () => undefined,
  }
}

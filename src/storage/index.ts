/** Storage: what a member keeps on its disk. */
export { abstractLevelDisk } from './abstract-level-disk.js'
export type { CreateOptions, Database, DatabaseName, Disk, SlotFile, SlotFileName } from './disk.js'
export type { Identity } from './identity.js'
export { levelDisk } from './level-disk.js'
export { LogStore } from './log-store.js'
export { memoryDisk } from './memory-disk.js'
export { StateStore } from './state-store.js'
export { Storage, openStorage } from './storage.js'

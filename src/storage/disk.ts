/**
 * The port between storage and the machine's disk: ordered databases and one small file.
 *
 * Production puts classic-level in a folder behind it, a member without a folder memory-level, a simulation its own
 * disk with crashes. The log and the state are two databases because large state writes in a shared one raise the
 * log's p99 latency threefold (measured).
 */
import type { AbstractLevel } from 'abstract-level'

/** A database as storage uses it: latin1 string keys and 'view' values (database-options.ts). Open. */
export type Database = AbstractLevel<string | Uint8Array | Buffer, string, Uint8Array> & Partial<Compactable>

/** What a database offers that can rewrite its files without what was overwritten and deleted, as classic-level does. */
export interface Compactable {
  /** From `start` to before `end`, beside reads and writes. Rejects when the disk fails. */
  compactRange(start: string, end: string): Promise<void>
}

/** The two that take turns in holding the state: one is received whole into the one that is not in use. */
export type StateSlot = 'state' | 'state-2'
export type DatabaseName = 'log' | StateSlot
export type SlotFileName = 'high-water'

/** A small file that is overwritten in place: the high-water file. */
export interface SlotFile {
  /** The whole content; undefined when the file does not exist. */
  read(): Promise<Uint8Array | undefined>
  /**
   * Makes the file, in the place of one that is there, whole and durable, or not at all: a crash leaves what was there
   * before or all of it. Were half a file possible, a member that died in its first second could not be told from one
   * whose file was destroyed.
   */
  create(content: Uint8Array): Promise<void>
  /** Overwrites `bytes` at `offset`; in the page cache when it returns (about a microsecond), so that it survives the process but not the machine. Throws on failure. */
  writeSync(bytes: Uint8Array, offset: number): void
  /** Makes what was written durable. */
  sync(): Promise<void>
  close(): Promise<void>
}

export interface CreateOptions {
  /**
   * Whether what is absent may be created. Never for a disk in use: LevelDB takes a lost CURRENT file for a new
   * database, and would start empty where it should have failed.
   */
  readonly create: boolean
}

export interface DiskSpace {
  /** That this process may use. */
  readonly freeBytes: number
  /** How large it is as a whole. */
  readonly totalBytes: number
}

export interface Disk {
  /** Whether what is written survives this process. */
  readonly permanent: boolean
  /** Where it is, for messages: a folder, or "memory". */
  readonly location: string
  /**
   * The content of a slot file, without taking the disk and without changing anything on it: a directory of a newer
   * format must be refused before LevelDB has touched it.
   */
  peek(name: SlotFileName): Promise<Uint8Array | undefined>
  /** Takes the disk for this process alone, and prepares the folder (mode 0700). Rejects with `DATA_DIR_IN_USE`. */
  acquire(options: CreateOptions): Promise<void>
  /** Opens one of the databases. Rejects with `DATA_DAMAGED` or `DISK_FAILED`. */
  openDatabase(name: DatabaseName, options: CreateOptions): Promise<Database>
  openSlotFile(name: SlotFileName): Promise<SlotFile>
  /** Of which databases there is anything on the acquired disk, whole or not. */
  databases(): Promise<readonly DatabaseName[]>
  /**
   * Removes a database that is not open, with everything in it, durably; nothing where there is none. What a crash leaves
   * of it does not open.
   */
  discardDatabase(name: DatabaseName): Promise<void>
  /**
   * What is on the disk was verified, and from here on is written to: whatever was kept of how it was before the open can
   * go. Once for each acquire. Throws when that cannot be made durable.
   */
  verified?(): void
  /**
   * In place of {@link verified}: something that is on the disk is damaged and about to be thrown away, so whatever was
   * kept of how it was before the open stays, for those who want to look into it.
   */
  givenUp?(): void
  /** What the databases and files take physically; without this method, nobody knows. */
  sizeBytes?(): Promise<number>
  /** What is free where it lies; without this method, nobody knows, and a disk that fills up is noticed when it is full. */
  space?(): Promise<DiskSpace>
  /** Releases the disk; databases and files must have been closed. */
  release(): Promise<void>
}

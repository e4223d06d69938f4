/**
 * The port between storage and the machine's disk: two ordered databases and one small file.
 *
 * Production puts classic-level in a folder behind it, a member without a folder memory-level, a simulation its own
 * disk with crashes. The log and the state are two databases because large state writes in a shared one raise the
 * log's p99 latency threefold (measured).
 */
import type { AbstractLevel } from 'abstract-level'

/** A database as storage uses it: latin1 string keys ('latin1' key encoding), 'view' values. Not yet opened. */
export type Database = AbstractLevel<string | Uint8Array | Buffer, string, Uint8Array>

/** A small file that is overwritten in place: the high-water file. */
export interface SlotFile {
  /** The whole content; undefined when the file does not exist. */
  read(): Promise<Uint8Array | undefined>
  /** Overwrites `bytes` at `offset`; in the page cache when it returns (about a microsecond), so that it survives the process but not the machine. Throws on failure. */
  writeSync(bytes: Uint8Array, offset: number): void
  /** Makes what was written durable. */
  sync(): Promise<void>
  close(): Promise<void>
}

export interface Disk {
  /** Whether what is written survives this process. */
  readonly permanent: boolean
  /** Where it is, for messages: a folder, or "memory". */
  readonly location: string
  /**
   * Takes the disk for this process alone and prepares the folder (mode 0700). Rejects with `DATA_DIR_IN_USE`.
   * Resolves with whether anything of ours was there before.
   */
  acquire(): Promise<{ readonly used: boolean }>
  /** Opens, creating where absent, one of the databases. */
  openDatabase(name: 'log' | 'state'): Promise<Database>
  openSlotFile(name: 'high-water'): Promise<SlotFile>
  /** Releases the disk; databases and files must have been closed. */
  release(): Promise<void>
}

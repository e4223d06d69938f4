/** What a store tells of its scheduled backups. */
import type { Revision } from '../mvcc/types.js'

export interface LastBackup {
  /** Of the file. */
  readonly name: string
  /** By this member's wall clock: milliseconds since 1970. */
  readonly takenAtMs: number
  readonly revision: Revision
}

export interface BackupsStatus {
  /** Where they go. */
  readonly folder: string
  readonly underWay: boolean
  /** The newest one of this member that is known, also of before this open; its file may have been removed since. */
  readonly last: LastBackup | undefined
  /** How many failed since the last one that was saved. */
  readonly failedInARow: number
  /** Why the last one failed; undefined when it did not. */
  readonly failure: string | undefined
}

/** The option `backups` of `open()`. */
import { checkFields, kind, type Fields } from '../api/check-fields.js'
import { LIMITS } from '../base/limits.js'
import { backupFolder, type BackupFolder } from '../storage/backup-folder.js'

export interface BackupOptions {
  /**
   * The folder they go to, outside every data directory. Where it does not exist or cannot be written to, as with a volume that
   * is not mounted, it is not made: `open()` logs it, and `status().backups.failure` tells why.
   */
  readonly dir?: string
  /** Instead of `dir`: a place of your own making. */
  readonly folder?: BackupFolder
  /** Milliseconds from one to the next. Default LIMITS.backupIntervalMs, a day; at least a second. */
  readonly intervalMs?: number
  /** How many are kept: once there are more, the oldest go. Default LIMITS.backupsKept, seven. */
  readonly keep?: number
}

/** The same, complete and checked. */
export interface BackupSettings {
  readonly folder: BackupFolder
  readonly intervalMs: number
  readonly keep: number
}

const FIELDS: Fields<BackupOptions> = { dir: true, folder: true, intervalMs: true, keep: true }
const METHODS = ['list', 'write', 'header', 'remove'] as const

/** Throws TypeError or RangeError. */
export function backupSettingsOf(given: BackupOptions): BackupSettings {
  checkFields(given, FIELDS, 'backups')
  const { intervalMs = LIMITS.backupIntervalMs, keep = LIMITS.backupsKept } = given
  const leastMs = LIMITS.backupIntervalMsMin
  if (!Number.isFinite(intervalMs) || intervalMs < leastMs) {
    throw new RangeError(`backups.intervalMs must be at least ${leastMs}, not ${intervalMs}`)
  }
  if (!Number.isSafeInteger(keep) || keep < 1) {
    throw new RangeError(`backups.keep must be a whole number of backups, at least 1, not ${keep}`)
  }
  return { folder: folderOf(given), intervalMs, keep }
}

function folderOf({ dir, folder }: BackupOptions): BackupFolder {
  if (dir !== undefined && folder !== undefined)
    throw new TypeError('backups.dir and backups.folder exclude each other')
  if (folder !== undefined) return checkFolder(folder)
  if (typeof dir !== 'string' || dir === '') {
    throw new TypeError(`backups.dir must be the path of a folder, not ${dir === '' ? "''" : kind(dir)}`)
  }
  return backupFolder(dir)
}

/** Inherited methods count. */
function checkFolder(folder: BackupFolder): BackupFolder {
  const given: unknown = folder
  if (typeof given !== 'object' || given === null) {
    throw new TypeError(`backups.folder must be an object, not ${kind(given)}`)
  }
  const missing = METHODS.find((name) => typeof (given as Record<string, unknown>)[name] !== 'function')
  if (missing !== undefined) throw new TypeError(`backups.folder has no method ${missing}`)
  return folder
}

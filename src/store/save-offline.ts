/**
 * A snapshot out of the data directory of a member that does not run: for a last backup before something is tried, and the
 * way out for a cluster of one whose log is damaged while its state is whole.
 *
 *     lock     nobody opens the directory meanwhile; where nothing can be written to it, that it stays as it is must do
 *     copy     the directory itself stays as it is, whatever an open does to what it opens
 *     open     as a member opens it, with all that it verifies; without the log, as a member of several would give it up
 *     replay   what the log holds behind the state: this member may have acknowledged it
 *     save     as from a running store
 */
import { access, constants, realpath } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { checkFields, type Fields } from '../api/check-fields.js'
import { isStoreError, StoreError } from '../base/errors.js'
import type { Machine } from '../machine/machine.js'
import type { Environment } from '../base/clock.js'
import { systemEnvironment } from '../runtime/system.js'
import { withDirectoryCopy } from '../storage/directory-copy.js'
import type { Database } from '../storage/disk.js'
import { readDirectory } from '../storage/directory-reader.js'
import { surveyDirectory } from '../storage/directory-survey.js'
import { whatIsDamaged } from '../storage/damage.js'
import { asStoreError } from '../storage/disk-failure.js'
import { FORBIDDEN, isMissing } from '../storage/folder.js'
import type { Identity } from '../storage/identity.js'
import { copiedDisk } from '../storage/level-disk.js'
import { openLock } from '../storage/open-level.js'
import { SnapshotEncoder } from '../storage/snapshot-encoder.js'
import { writeSnapshotFile } from '../storage/snapshot-file.js'
import { refuseDataDirectory } from '../storage/snapshot-target.js'
import { openStorage, type Storage } from '../storage/storage.js'
import { loadMachine, loadState, replay } from './load-state.js'
import { infoOf, type SnapshotInfo } from './snapshot-status.js'

export interface SaveOfflineOptions {
  /** Of the member that does not run. */
  readonly dataDir: string
  /** The file to make. */
  readonly path: string
  /** Takes the state as it was last written and looks at no log: where that is damaged, or nobody knows whether it counts. */
  readonly skipLog?: boolean | undefined
  readonly overwrite?: boolean | undefined
  /** Where the copy is made that is worked on. Default: beside the directory. */
  readonly temporary?: string | undefined
  readonly signal?: AbortSignal | undefined
}

export interface SavedOffline extends SnapshotInfo {
  /** Entries of the log behind the state that are in it; undefined where the log was skipped. */
  readonly replayed: number | undefined
  /** What was found damaged, one sentence each. Where the log was not skipped, it had all of it. */
  readonly damage: readonly string[]
  /** Whether the directory was locked meanwhile; false where it cannot be written to, and so not be locked. */
  readonly locked: boolean
}

const FIELDS: Fields<SaveOfflineOptions> = {
  ...{ dataDir: true, path: true, skipLog: true, overwrite: true, temporary: true, signal: true },
}

/** Of a directory that has lost both records of whose it is, the state says nothing of it. */
const UNKNOWN_OWNER: Identity = { clusterId: 1, memberId: 1, name: 'unknown' }

/**
 * Rejects with `DATA_DIR_IN_USE`, `NO_DATA`, `DATA_DAMAGED` (and says what would still do), `FORMAT_TOO_NEW`,
 * `ALREADY_EXISTS`, `DISK_FAILED`. Nothing in the directory is changed but what is in `lock`.
 */
export async function saveOffline(options: SaveOfflineOptions): Promise<SavedOffline> {
  checkFields(options, FIELDS, 'saveOffline()')
  const { dataDir, path, temporary, signal } = options
  await surveyDirectory(dataDir)
  await refuseDataDirectory(path, dirname(resolve(path)), dataDir)
  const lock = await lockStopped(dataDir)
  try {
    return await withDirectoryCopy(dataDir, { temporary, signal }, async (copy) => {
      if (copy.torn) throw inUse(dataDir)
      return saveCopy(copy.path, options, lock !== undefined)
    })
  } finally {
    await lock?.close()
  }
}

/**
 * Undefined where this process may not write there, and so cannot lock: on a mount that is read-only, in the directory of
 * somebody else. A copy during which nothing changed is then what a crash at that moment would have left, whoever writes.
 */
async function lockStopped(dataDir: string): Promise<Database | undefined> {
  try {
    const path = await realpath(dataDir)
    return (await canLock(path)) ? await openLock({ path, location: dataDir }) : undefined
  } catch (error) {
    if (!isStoreError(error, 'DATA_DIR_IN_USE')) throw asStoreError(`${dataDir} cannot be locked`, error)
    throw inUse(dataDir, error)
  }
}

/** Asked of the system, not tried: LevelDB makes no difference between what it may not and what is not there. */
async function canLock(path: string): Promise<boolean> {
  for (const place of [path, join(path, 'lock'), join(path, 'lock', 'LOCK')]) {
    try {
      await access(place, constants.W_OK)
    } catch (error) {
      if (isMissing(error)) return true
      if (FORBIDDEN.has((error as NodeJS.ErrnoException).code ?? '')) return false
      throw error
    }
  }
  return true
}

function inUse(dataDir: string, cause?: unknown): StoreError {
  return new StoreError(
    'DATA_DIR_IN_USE',
    `${dataDir} is in use. From a member that runs its own process saves: saveSnapshot(store, path), or open({ backups }).`,
    { cause },
  )
}

async function saveCopy(copy: string, options: SaveOfflineOptions, locked: boolean): Promise<SavedOffline> {
  const { dataDir, path, skipLog = false, overwrite = false } = options
  const environment = systemEnvironment()
  const identity = await ownerOf(copy, dataDir, skipLog)
  const incarnationFloor = Math.max(0, Math.floor(environment.clock.wallMs()))
  const storage = await openCopy(copy, options, identity, incarnationFloor)
  try {
    const { machine, replayed } = await loadCopy(storage, dataDir, skipLog)
    const suffix = environment.random.uint32().toString(16).padStart(8, '0')
    const pieces = piecesOf(machine, storage, identity, environment)
    const content = await writeSnapshotFile(path, pieces, { overwrite, suffix })
    return { ...infoOf(content), replayed, damage: storage.damage, locked }
  } finally {
    await storage.close()
  }
}

/** Always: a state that is not whole is not saved, and one that is lost is not taken for an empty one. */
async function loadCopy(
  storage: Storage,
  dataDir: string,
  skipLog: boolean,
): Promise<{ readonly machine: Machine; readonly replayed: number | undefined }> {
  try {
    if (!skipLog) {
      const loaded = await loadState(storage)
      replay(loaded)
      return { machine: loaded.machine, replayed: loaded.behind.length }
    }
    const machine = await loadMachine(storage)
    if (machine.appliedIndex > 0) return { machine, replayed: undefined }
  } catch (error) {
    if (!isStoreError(error, 'DATA_DAMAGED')) throw error
    throw new StoreError(
      'DATA_DAMAGED',
      `${dataDir} is damaged: ${whatIsDamaged(error)}. Only a whole state can be saved. Of a member of several the others ` +
        'have what it lacks; alone, it goes on from a backup. docs/OPERATING.md says how.',
      { cause: error },
    )
  }
  const { damage } = storage
  const why = damage.length === 0 ? 'none of it was written yet' : damage.join('; ')
  throw new StoreError(
    'DATA_DAMAGED',
    `There is no state in ${dataDir} that could be saved without the log: ${why}. Try it without --skip-log (skipLog): a ` +
      'log that is whole and goes back to its beginning brings the state back.',
  )
}

async function ownerOf(copy: string, dataDir: string, skipLog: boolean): Promise<Identity> {
  const disk = copiedDisk(copy, dataDir)
  await disk.acquire({ create: false })
  try {
    const { highWater, log, damage } = await readDirectory(disk)
    const identity = highWater?.identity ?? log.identity
    if (identity !== undefined) return identity
    // A restore cannot find out then that it is given the token of the old cluster.
    if (skipLog) return UNKNOWN_OWNER
    throw new StoreError(
      'DATA_DAMAGED',
      `Of whom ${dataDir} is cannot be told any more: ${damage.join('; ')}. Where the state is whole it can be saved with ` +
        '--skip-log (skipLog), as that of a member "unknown".',
    )
  } finally {
    await disk.release()
  }
}

async function openCopy(
  copy: string,
  { dataDir, skipLog = false }: SaveOfflineOptions,
  identity: Identity,
  incarnationFloor: number,
): Promise<Storage> {
  try {
    return await openStorage(copiedDisk(copy, dataDir), identity, { recover: skipLog, incarnationFloor })
  } catch (error) {
    if (skipLog || !isStoreError(error, 'DATA_DAMAGED')) throw error
    throw new StoreError(
      'DATA_DAMAGED',
      `${dataDir} is damaged: ${whatIsDamaged(error)}. Where the state itself is whole it can be saved with --skip-log ` +
        '(skipLog): as it was last written, so that what was acknowledged after that is missing.',
      { cause: error },
    )
  }
}

async function* piecesOf(
  machine: Machine,
  { state }: Storage,
  identity: Identity,
  { clock }: Environment,
): AsyncGenerator<Uint8Array, void, undefined> {
  machine.checkpoint()
  const { appliedIndex: index, appliedTerm: term, revision, compactRevision, digest } = machine
  const createdAtMs = Math.max(0, Math.floor(clock.wallMs()))
  const header = { ...identity, createdAtMs, position: { index, term }, revision, compactRevision, digest }
  const encoder = new SnapshotEncoder(header)
  yield encoder.begin()
  for await (const pairs of state.iterateAll()) {
    for (const [key, record] of pairs) {
      encoder.add(key, record)
      if (encoder.full) yield encoder.block()
    }
  }
  yield encoder.end()
}

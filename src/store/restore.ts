/**
 * A new member out of a snapshot: its data directory, before it is opened for the first time.
 *
 *     mark         a record of the state that says what is going on, synced before the snapshot is looked at
 *     records      into the state, in synced batches; no position among them yet
 *     position     digest verified, windows of the old members dropped, then the record of the applied position for the mark
 *     log          begins behind that position
 *
 * Always: what is there before the last step is refused by every open (the mark, a position without a log), on whatever
 * disk. In a folder a file is made before anything else and removed after everything (restore-marker.ts), so that a restore
 * which ends anywhere leaves nothing that could be taken for a member, and can be made again.
 * Always: members restored from one snapshot have the same state at the same position of their logs, so that they are one
 * cluster as soon as they are opened.
 */
import { checkSignal } from '../api/check-call.js'
import { checkFields, type Fields } from '../api/check-fields.js'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { quote } from '../base/quote.js'
import type { Revision } from '../mvcc/types.js'
import { META_KEY, RESTORING_KEY } from '../machine/state-records.js'
import { systemEnvironment } from '../runtime/system.js'
import type { Disk } from '../storage/disk.js'
import { restoringDisk } from '../storage/level-disk.js'
import type { SnapshotHeader } from '../storage/snapshot-format.js'
import { openStorage, type Storage } from '../storage/storage.js'
import { settingsOf, type OpenOptions, type Settings } from './options.js'
import { loadSnapshot, type SnapshotSource } from '../member/snapshot-loader.js'
import { checkSource, statusOf, type SnapshotStatus } from './snapshot-status.js'

export type { SnapshotSource }

export interface RestoreOptions extends Pick<
  OpenOptions,
  'name' | 'cluster' | 'dataDir' | 'disk' | 'diskTimeoutMs' | 'environment'
> {
  /** The snapshot: a file by its path, or its bytes. The same one for every member of the new cluster. */
  readonly from: SnapshotSource
  /** Tells the new cluster from the old one, and from every other: it must be another than the old one's. */
  readonly clusterToken: string
  /**
   * Raises the revision by so many and compacts everything before. For a cluster whose users may have seen revisions that
   * the snapshot does not have: they would be given other changes under these numbers, and watches that resume behind the
   * snapshot would miss some; with this they are told `COMPACTED`. Choose more than can have been written since: a billion
   * is not too much. Default 0: history is kept, and goes on where the snapshot ends. RangeError where it would take the
   * revision beyond 2^52 (LIMITS.bumpedRevisionMax).
   */
  readonly bumpRevision?: number | undefined
  readonly signal?: AbortSignal | undefined
}

/** What the new member begins with. */
export interface Restored {
  readonly name: string
  readonly clusterId: number
  readonly memberId: number
  readonly revision: Revision
  readonly compactRevision: Revision
  /** What it was made of. */
  readonly snapshot: SnapshotStatus
}

const FIELDS: Fields<RestoreOptions> = {
  ...{ from: true, name: true, cluster: true, clusterToken: true },
  ...{ dataDir: true, disk: true, bumpRevision: true, signal: true },
  ...{ diskTimeoutMs: true, environment: true },
}

/**
 * Makes the data directory of a member of a new cluster out of a snapshot; `open()` with the same `name`, `cluster`,
 * `clusterToken` and `dataDir` starts it. To restore a cluster of several, do this once for each member with the same
 * snapshot, then open them all. The snapshot is verified as a whole, as by {@link snapshotStatus}.
 *
 * Kept: every version of every key, revisions, leases (which go on as after a change of leader), users and roles,
 * alarms. Not kept: the ids of the cluster and its members, and what their calls under way were.
 *
 * Rejects with `ALREADY_EXISTS` (the directory holds data), `CLUSTER_ID_REUSED` (the token is the old one),
 * `SNAPSHOT_DAMAGED`, `FORMAT_TOO_NEW`, `DATA_DIR_IN_USE`, `DISK_FAILED`, `ABORTED`, and with TypeError or RangeError for
 * options that make no sense. Where the directory holds data, is in use, or the options were refused by themselves, it is as
 * it was. In every other case, and when the process dies, a mark stays in it: `open()` refuses it with `DATA_DAMAGED` until a
 * further restore into it is done, which replaces what is there, or it is removed.
 *
 * A `disk` has no such mark. Of one with which a restore failed, `open()` says `DATA_DAMAGED`; but if the process dies before
 * the snapshot is looked at, it may be taken for a new member's. Either way restore to a new one: this one is `ALREADY_EXISTS`.
 *
 * @example
 * await restore({ from: 'monday.snapshot', name: 'a', dataDir: './new/a', cluster, clusterToken: 'after-the-fire' })
 */
export async function restore(options: RestoreOptions): Promise<Restored> {
  const { from, bumpRevision = 0, signal, ...openOptions } = checkOptions(options)
  const { disk, complete } = targetOf(options)
  const settings = settingsOf(openOptions)
  if ((await disk.peek('high-water')) !== undefined) {
    throw new StoreError('ALREADY_EXISTS', `${disk.location} holds the data of a member already. It was not changed.`)
  }
  const { timers } = openOptions.environment ?? systemEnvironment()
  const storage = await openStorage(disk, settings, { timers, diskTimeoutMs: settings.diskTimeoutMs })
  let restored: Restored
  try {
    restored = await fill(storage, settings, { from, bumpRevision, signal })
    complete()
  } catch (error) {
    // What failed first is what matters.
    await storage.close().catch(() => undefined)
    throw error
  }
  await storage.close()
  return restored
}

async function fill(
  storage: Storage,
  settings: Settings,
  { from, bumpRevision, signal }: Pick<RestoreOptions, 'from' | 'signal'> & { readonly bumpRevision: number },
): Promise<Restored> {
  const { name, clusterId, memberId } = settings
  const { state, log } = storage
  state.set(RESTORING_KEY, new Uint8Array(0))
  await state.commit()
  const loaded = await loadSnapshot({
    from,
    backend: state,
    signal,
    header: (header) => {
      refuseReused(settings, header, [header.memberId])
      checkBump(header, bumpRevision)
    },
    records: async (records) => {
      for (const [key, record] of records) if (key !== META_KEY) state.set(key, record)
      if (state.stagedBytes >= LIMITS.stateBufferBytesMax) await state.commit()
    },
  })
  const { machine, content } = loaded
  const snapshot = statusOf(loaded)
  refuseReused(settings, content.header, machine.startCluster(bumpRevision))
  machine.checkpoint()
  state.delete(RESTORING_KEY)
  await state.commit()
  await log.beginBehind({ index: machine.appliedIndex, term: machine.appliedTerm })
  const { revision, compactRevision } = machine
  return { name, clusterId, memberId, revision, compactRevision, snapshot }
}

/** Without a bump every snapshot can be restored. */
function checkBump({ revision }: SnapshotHeader, bumpRevision: number): void {
  if (bumpRevision === 0 || revision + bumpRevision <= LIMITS.bumpedRevisionMax) return
  throw new RangeError(`bumpRevision ${bumpRevision} takes revision ${revision} beyond 2^52`)
}

/** Old members may still run: they must neither reach the new ones nor be taken for them. */
function refuseReused(settings: Settings, header: SnapshotHeader, oldMembers: readonly number[]): void {
  const sameCluster = settings.clusterId === header.clusterId
  const same = settings.members.find(({ id }) => oldMembers.includes(id))
  if (!sameCluster && same === undefined) return
  const what = sameCluster
    ? `The id ${settings.clusterId} of the cluster`
    : `The id of the member ${quote(same?.name ?? '')}`
  throw new StoreError(
    'CLUSTER_ID_REUSED',
    `${what} would be that of the old cluster, of which the snapshot is. Give a clusterToken of its own.`,
  )
}

function targetOf({ dataDir, disk }: RestoreOptions): { readonly disk: Disk; readonly complete: () => void } {
  if (disk !== undefined) return { disk, complete: () => undefined }
  if (dataDir === undefined) throw new TypeError('restore() needs dataDir: where the new member is to have its data')
  const made = restoringDisk(dataDir)
  return {
    disk: made,
    complete: () => {
      made.complete()
    },
  }
}

function checkOptions(options: RestoreOptions): RestoreOptions {
  checkFields(options, FIELDS, 'restore()')
  const { from, bumpRevision = 0, signal, clusterToken } = options
  checkSource(from)
  checkSignal(signal)
  if (typeof clusterToken !== 'string' || clusterToken === '') {
    throw new TypeError('restore() needs a clusterToken, another one than the old cluster had')
  }
  if (!Number.isSafeInteger(bumpRevision) || bumpRevision < 0) {
    throw new RangeError(`bumpRevision must be a whole number of revisions, 0 or more, not ${bumpRevision}`)
  }
  if (bumpRevision > LIMITS.bumpedRevisionMax) {
    throw new RangeError(`bumpRevision ${bumpRevision} takes any revision beyond 2^52`)
  }
  return options
}

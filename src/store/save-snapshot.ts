/** A snapshot of a store as a file. */
import { checkBoolean } from '../api/check-boolean.js'
import { checkSignal } from '../api/check-call.js'
import { checkFields, type Fields } from '../api/check-fields.js'
import type { SnapshotOptions } from '../api/maintenance.js'
import type { Store } from '../api/store.js'
import { writeSnapshotFile } from '../storage/snapshot-file.js'
import { infoOf, type SnapshotInfo } from './snapshot-status.js'

export interface SaveSnapshotOptions extends SnapshotOptions {
  /** Replace a file of that name; what is no regular file (a device, a link, a folder) is refused even so. Default false. */
  readonly overwrite?: boolean | undefined
}

const SAVE_FIELDS: Fields<SaveSnapshotOptions> = { signal: true, overwrite: true }

/**
 * Saves a backup of a store at `path`: `store.maintenance.snapshot()` written to a file of mode 0600, each block and the
 * whole checked on its way. The name is given last, when everything is synced: what stands under it is whole, whatever
 * crashes meanwhile. A crash may leave a file beside it that ends in `.part`; it can be deleted.
 *
 * Rejects with what the snapshot throws, `ALREADY_EXISTS`, `DISK_FAILED`, `SNAPSHOT_DAMAGED`; then there is no new file.
 *
 * @example
 * await store.ready()
 * const { revision, hash } = await saveSnapshot(store, `/backups/${day}.snapshot`)
 */
export async function saveSnapshot(
  store: Store,
  path: string,
  options: SaveSnapshotOptions = {},
): Promise<SnapshotInfo> {
  checkFields(options, SAVE_FIELDS, 'saveSnapshot()')
  const { signal, overwrite = false } = options
  checkSignal(signal)
  if (typeof path !== 'string' || path === '') throw new TypeError('the path of a snapshot must be a non-empty string')
  checkBoolean(overwrite, 'overwrite')
  const suffix = store.environment.random.uint32().toString(16).padStart(8, '0')
  return infoOf(await writeSnapshotFile(path, store.maintenance.snapshot({ signal }), { overwrite, suffix }))
}

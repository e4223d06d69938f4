/** What a member finds in its data directory, before it is opened: whether it was there before, and who it was. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { isStoreError } from '../../base/errors.js'
import type { FormerCluster } from '../../base/former-cluster.js'
import { readHighWater } from '../../storage/high-water.js'
import type { Identity } from '../../storage/identity.js'
import { levelDisk } from '../../storage/level-disk.js'
import { SettingError } from './setting-error.js'

export type DataDirectory =
  | { readonly type: 'new' }
  /** Its mark is damaged: that it was used is all there is to know. */
  | { readonly type: 'unreadable' }
  | { readonly type: 'used'; readonly identity: Identity; readonly former: readonly FormerCluster[] }

/** Changes nothing. Rejects with SettingError for the directory of a real etcd, and with `DISK_FAILED`. */
export async function dataDirectoryAt(path: string): Promise<DataDirectory> {
  if (existsSync(join(path, 'member', 'wal')) || existsSync(join(path, 'member', 'snap'))) {
    throw new SettingError(
      `${path} is the data directory of an etcd, whose files are not read here. Give another --data-dir, and bring the keys ` +
        'over with `etcdctl make-mirror` from one to the other',
    )
  }
  const disk = levelDisk(path)
  const bytes = await disk.peek('high-water')
  if (bytes === undefined) return { type: 'new' }
  try {
    const { identity, former } = readHighWater(bytes, disk.location)
    return { type: 'used', identity, former }
  } catch (error) {
    if (isStoreError(error, 'DATA_DAMAGED')) return { type: 'unreadable' }
    throw error
  }
}

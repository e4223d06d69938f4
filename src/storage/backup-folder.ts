/** The port to where scheduled backups go (store/backups.ts), and a folder behind it. */
import { access, constants, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { asStoreError } from './disk-failure.js'
import { readFilePieces, writeSnapshotFile } from './snapshot-file.js'
import type { SnapshotHeader } from './snapshot-format.js'
import { readSnapshotHeader, type SnapshotContent } from './snapshot-reader.js'
import { refuseDataDirectory } from './snapshot-target.js'

export interface BackupFolder {
  /** Where it is, for messages. */
  readonly location: string
  /**
   * Asked once, when the member is opened: rejects where there is no such folder, or it cannot be used. `dataDir` is where the
   * data of the member are, if that is a folder.
   */
  check?(dataDir: string | undefined): Promise<void>
  /** The names of its files. Rejects where there is no such folder: it is never made, since it may be a volume that is not mounted. */
  list(): Promise<readonly string[]>
  /**
   * Writes a snapshot under `name`, whole, checked and durable, or not at all; never over something. While it is written, and
   * after a crash, there may be a file of that name with `.`, `suffix` and `.part` behind it.
   */
  write(name: string, source: AsyncIterable<Uint8Array>, suffix: string): Promise<SnapshotContent>
  /** Of whom a snapshot is. Rejects with `SNAPSHOT_DAMAGED` where it is none. */
  header(name: string): Promise<SnapshotHeader>
  /** Removes a file; one that is not there is no failure. */
  remove(name: string): Promise<void>
}

export function backupFolder(path: string): BackupFolder {
  return {
    location: path,
    async check(dataDir) {
      await accessing(`the folder for backups, ${path}, cannot be used`, async () => {
        await refuseDataDirectory(path, path, dataDir)
        await readdir(path)
        await access(path, constants.R_OK | constants.W_OK | constants.X_OK)
      })
    },
    async list() {
      return accessing(`${path} cannot be read`, async () => {
        const entries = await readdir(path, { withFileTypes: true })
        return entries.filter((entry) => entry.isFile()).map((entry) => entry.name)
      })
    },
    async write(name, source, suffix) {
      return writeSnapshotFile(join(path, name), source, { overwrite: false, suffix })
    },
    async header(name) {
      const file = join(path, name)
      return readSnapshotHeader(readFilePieces(file), file)
    },
    async remove(name) {
      const file = join(path, name)
      await accessing(`${file} cannot be removed`, () => rm(file, { force: true }))
    },
  }
}

async function accessing<T>(what: string, access: () => Promise<T>): Promise<T> {
  try {
    return await access()
  } catch (error) {
    throw asStoreError(what, error)
  }
}

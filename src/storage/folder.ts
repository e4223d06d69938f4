/** Folders that only their owner may read, and whose entries survive a power loss. */
import { mkdir, open } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'

/** For the owner alone: the log holds every value, and etcd was criticised for less (Trail of Bits, 2020). */
const FOLDER_MODE = 0o700

/** Makes `path` and what leads to it. A folder that is there already keeps its mode: whoever made it chose it. */
export async function makeFolder(path: string): Promise<void> {
  const first = await mkdir(path, { recursive: true, mode: FOLDER_MODE })
  if (first === undefined) return
  const top = dirname(resolve(first))
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    await syncFolder(folder)
    if (folder === top || folder === dirname(folder)) return
  }
}

/** Makes the entries of a folder durable: syncing a new file does not make its name so. */
export async function syncFolder(path: string): Promise<void> {
  // Windows cannot open folders, and journals their entries by itself.
  if (process.platform === 'win32') return
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

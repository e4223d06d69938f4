/**
 * The file `store` of a data directory: what its databases are made with, where that is not classic-level.
 *
 * Always: it is there before anything else is. Two stores may take each other's files for their own, damaged: LevelDB and
 * RocksDB have the same names for them. What one takes for damage it may throw away.
 */
import { open, rename } from 'node:fs/promises'
import { join } from 'node:path'
import { quote } from '../base/quote.js'
import { syncFolder } from './folder.js'
import { readIfPresent } from './folder-slot-file.js'

const MARKER = 'store'
const FILE_MODE = 0o600

/** Throws TypeError unless the directory was made with the store called `name`; undefined: with classic-level. */
export async function checkStore(path: string, name: string | undefined): Promise<void> {
  const found = await storeOf(path)
  const used = (await readIfPresent(join(path, 'high-water'))) !== undefined
  if (found === name || (found === undefined && !used)) return
  const made = found === undefined ? 'classic-level' : `the store ${quote(found)}`
  throw new TypeError(
    `${path} was made with ${made} and cannot be opened with ${name === undefined ? 'classic-level' : quote(name)}: ` +
      'open it as before, or take a snapshot there and restore it here',
  )
}

/** Marks a directory that is made with the store called `name`. */
export async function markStore(path: string, name: string): Promise<void> {
  if ((await storeOf(path)) === name) return
  const draft = join(path, `${MARKER}.new`)
  const handle = await open(draft, 'w', FILE_MODE)
  try {
    await handle.writeFile(name)
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(draft, join(path, MARKER))
  await syncFolder(path)
}

async function storeOf(path: string): Promise<string | undefined> {
  const bytes = await readIfPresent(join(path, MARKER))
  return bytes && Buffer.from(bytes).toString('utf8')
}

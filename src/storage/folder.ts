/** Folders that only their owner may read, and whose entries survive a power loss. */
import { access, constants, mkdir, open, readdir, rm, rmdir, stat, statfs } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { StoreError } from '../base/errors.js'
import type { DiskSpace } from './disk.js'

/** For the owner alone: the log holds every value, and etcd was criticised for less (Trail of Bits, 2020). */
const FOLDER_MODE = 0o700

/** What `link` fails with where the file system has no hard links. */
export const NO_LINKS: ReadonlySet<string> = new Set([
  ...['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS'],
  ...['EMLINK', 'EXDEV', 'EINVAL'],
])

/**
 * Makes `path` and what leads to it. A folder that is there already keeps its mode: whoever made it chose it. Resolves with
 * the uppermost folder that was made, undefined where all were there.
 */
export async function makeFolder(path: string): Promise<string | undefined> {
  const first = await mkdir(path, { recursive: true, mode: FOLDER_MODE })
  if (first === undefined) return undefined
  const top = dirname(resolve(first))
  for (let folder = dirname(resolve(path)); ; folder = dirname(folder)) {
    await syncFolder(folder)
    if (folder === top || folder === dirname(folder)) return first
  }
}

/** Removes `path` and what leads to it again, up to `first`, as far as they are empty. */
export async function removeEmptyFolders(path: string, first: string): Promise<void> {
  const top = dirname(resolve(first))
  for (let folder = resolve(path); folder !== top; folder = dirname(folder)) await rmdir(folder)
}

/** The names in `path`; those of an empty folder where there is none, and one's own name where it is a file. */
export async function listIfPresent(path: string): Promise<readonly string[]> {
  try {
    return await readdir(path)
  } catch (error) {
    if (isMissing(error)) return []
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return [path]
    throw error
  }
}

/**
 * Removes the database in `path`, durably; what names its other files goes first, so that the remains do not open. The
 * folder itself may be a link or a mounted volume: then it stays.
 */
export async function emptyFolder(path: string): Promise<void> {
  const names = await listIfPresent(path)
  if (names.length === 1 && names[0] === path) return await rm(path)
  if (names.includes('CURRENT')) {
    await rm(join(path, 'CURRENT'), { recursive: true })
    await syncFolder(path)
  }
  for (const name of names) await rm(join(path, name), { recursive: true, force: true })
  if (names.length > 0) await syncFolder(path)
  await rmdir(path).then(
    () => syncFolder(dirname(path)),
    () => undefined,
  )
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

/** Whether `error` says that there is no such file. */
export function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT'
}

/** What lies in `path` and below, as far as it stays while it is looked at. */
export async function folderBytes(path: string): Promise<number> {
  const entries = await readdir(path, { withFileTypes: true, recursive: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  let bytes = 0
  for (let at = 0; at < files.length; at += AT_ONCE) {
    const sizes = await Promise.all(files.slice(at, at + AT_ONCE).map(fileBytes))
    bytes = sizes.reduce((sum, size) => sum + size, bytes)
  }
  return bytes
}

/** Of the file system that `path` lies on. */
export async function folderSpace(path: string): Promise<DiskSpace> {
  const { bsize, blocks, bavail } = await statfs(path)
  return { freeBytes: bavail * bsize, totalBytes: blocks * bsize }
}

/** 0 for a file that LevelDB has removed meanwhile. */
async function fileBytes(path: string): Promise<number> {
  try {
    return (await stat(path)).size
  } catch (error) {
    if (isMissing(error)) return 0
    throw error
  }
}

/** There may be thousands of files. */
const AT_ONCE = 32
/** What a process is told that may not, or cannot, write or read. */
export const FORBIDDEN: ReadonlySet<string> = new Set(['EACCES', 'EPERM', 'EROFS'])

/**
 * Throws `DISK_FAILED`, naming the file, unless everything in `path` and below `folders` in it can be read and written.
 *
 * Asked of the system, not tried: to open LevelDB's LOCK and close it again would release the lock. To be asked before
 * LevelDB is: it takes a log that it may not read for one that is not there.
 */
export async function checkAccess(path: string, folders: readonly string[], ask = access): Promise<void> {
  await checkOne(path, ask)
  const entries = await readdir(path, { withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(path, entry.name))
  for (let at = 0; at < files.length; at += AT_ONCE) {
    await Promise.all(files.slice(at, at + AT_ONCE).map((file) => checkOne(file, ask)))
  }
  for (const entry of entries) {
    if (entry.isDirectory() && folders.includes(entry.name)) await checkAccess(join(path, entry.name), [], ask)
  }
}

async function checkOne(path: string, ask: typeof access): Promise<void> {
  try {
    await ask(path, constants.R_OK | constants.W_OK)
  } catch (error) {
    if (!FORBIDDEN.has((error as NodeJS.ErrnoException).code ?? '')) throw error
    throw await forbidden(path, error as NodeJS.ErrnoException)
  }
}

async function forbidden(path: string, cause: NodeJS.ErrnoException): Promise<StoreError> {
  const runner = process.geteuid === undefined ? '' : ` (this process runs as user ${process.geteuid()})`
  const readOnly = cause.code === 'EROFS'
  const advice = readOnly
    ? 'its file system is mounted read-only. Mount it writable'
    : `${await describeOwner(path)}${runner}. Give that user permission to read and write it, as on everything in the directory`
  return new StoreError('DISK_FAILED', `${path} cannot be read and written: ${advice}. Nothing was changed.`, { cause })
}

async function describeOwner(path: string): Promise<string> {
  try {
    const { uid, gid, mode } = await stat(path)
    return `it belongs to user ${uid}, group ${gid}, and has mode ${(mode & 0o7777).toString(8).padStart(4, '0')}`
  } catch {
    return 'not even its owner can be seen'
  }
}

/**
 * What the databases held before an open, kept until that open is known to have lost nothing.
 *
 * LevelDB repairs before anybody can look: opening replaces its log and its MANIFEST, and a log that it cannot read it
 * passes over in silence and deletes (measured: a log of mode 0 is gone after one open). What could be salvaged must be
 * out of its reach before.
 *
 *     before-open.new/    being made: worth nothing, removed by the next open
 *     before-open/        whole: what was there before the first open that was not verified since
 *     before-open.old/    verified: being removed, by the next open if not by this one
 *     damaged.new/        what was `before-open/`, once something was found damaged and is being thrown away
 *     damaged/            the same, and all is done: it stays until there is a newer one
 *     damaged.old/        the one before: being removed
 *
 * Always: `before-open/` is there from before LevelDB touches anything until the data is verified, through crashes and
 * failed opens, and not while anything but the number of opens is written. Each name is given by one durable rename. So one
 * that is found is the oldest evidence and still true: it is never replaced.
 * Always: called by one process at a time (level-disk.ts holds the lock).
 *
 * Files are hard links, which cost no space and no time worth mentioning. LevelDB never changes a file after it closed it,
 * and never opens one to append (`reuse_logs` is off, and classic-level cannot turn it on). Those it might overwrite
 * (manifest.ts) are copied. A file system without hard links keeps copies of everything but tables: these an open does not
 * change, only a later compaction does, and copying them could take minutes.
 */
import { closeSync, constants, existsSync, fsyncSync, openSync, renameSync, rmSync } from 'node:fs'
import * as promises from 'node:fs/promises'
import { join } from 'node:path'
import { BEFORE_OPEN, DAMAGED } from './damage.js'
import { isMissing, NO_LINKS, syncFolder } from './folder.js'
import { nextFileNumber } from './manifest.js'

const DRAFT = `${BEFORE_OPEN}.new`
const VERIFIED = `${BEFORE_OPEN}.old`
const GIVEN_UP = `${DAMAGED}.new`
const OUTDATED = `${DAMAGED}.old`
const FOLDERS = ['log', 'state', 'state-2']
const LOOSE_FILES = ['high-water']

/** LevelDB's lock is nothing to keep, and to open and close the file would release it. */
const LOCK = 'LOCK'
const FOLDER_MODE = 0o700
const AT_ONCE = 32

/** The calls that change something: the tests count them, end them, and refuse them. */
export type FileActions = Pick<typeof promises, 'mkdir' | 'link' | 'copyFile' | 'rename' | 'rm'>

/**
 * Keeps what is in the data directory `path`, unless something is kept already. Changes nothing but what it adds. Resolves
 * with whether it added something.
 */
export async function setAside(path: string, actions: FileActions = promises): Promise<boolean> {
  for (const leftover of [DRAFT, VERIFIED, OUTDATED])
    await actions.rm(join(path, leftover), { recursive: true, force: true })
  const names = await promises.readdir(path)
  if (names.includes(BEFORE_OPEN) || names.includes(GIVEN_UP) || !FOLDERS.some((folder) => names.includes(folder)))
    return false
  const draft = join(path, DRAFT)
  await actions.mkdir(draft, { mode: FOLDER_MODE })
  for (const entry of await promises.readdir(path, { withFileTypes: true })) {
    const { name } = entry
    const [from, to] = [join(path, name), join(draft, name)]
    // Folders and files may have taken each other's places: that will be found.
    if (entry.isFile() && [...LOOSE_FILES, ...FOLDERS].includes(name)) await copy(from, to, actions)
    else if (!entry.isFile() && FOLDERS.includes(name)) await setFolderAside(from, to, actions)
  }
  await syncFolder(draft)
  await actions.rename(draft, join(path, BEFORE_OPEN))
  await syncFolder(path)
  return true
}

/**
 * Something in the directory is damaged and about to be thrown away: what was kept stays, under another name, durably on
 * return.
 */
export function keepForGood(path: string): void {
  if (existsSync(join(path, GIVEN_UP)) || !existsSync(join(path, BEFORE_OPEN))) return
  renameSync(join(path, BEFORE_OPEN), join(path, GIVEN_UP))
  syncFolderNow(path)
}

/**
 * The data is verified: what was kept is no longer true once anything new is written, and must not be found by a later
 * open. Gone by its name, durably, on return, or, where something was thrown away, under that of {@link DAMAGED}; the promise
 * that is returned stands for the files, and never rejects.
 */
export function dropSetAside(path: string, rename: typeof renameSync = renameSync): Promise<void> {
  const dropped = renamed(path, BEFORE_OPEN, VERIFIED, rename)
  const givenUp = existsSync(join(path, GIVEN_UP))
  if (dropped === undefined && !givenUp) return Promise.resolve()
  const removed = [dropped]
  if (givenUp) {
    rmSync(join(path, OUTDATED), { recursive: true, force: true })
    removed.push(renamed(path, DAMAGED, OUTDATED, rename))
    rename(join(path, GIVEN_UP), join(path, DAMAGED))
  }
  syncFolderNow(path)
  return removeAll(removed)
}

/** The path that is there afterwards; undefined where there was nothing. */
function renamed(path: string, from: string, to: string, rename: typeof renameSync): string | undefined {
  try {
    rename(join(path, from), join(path, to))
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
  return join(path, to)
}

async function removeAll(paths: readonly (string | undefined)[]): Promise<void> {
  for (const path of paths) {
    if (path !== undefined) await promises.rm(path, { recursive: true, force: true }).catch(() => undefined)
  }
}

async function setFolderAside(from: string, to: string, actions: FileActions): Promise<void> {
  await actions.mkdir(to, { mode: FOLDER_MODE })
  const next = await firstNewNumber(from)
  const entries = await promises.readdir(from, { withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && entry.name !== LOCK).map((entry) => entry.name)
  for (let at = 0; at < files.length; at += AT_ONCE) {
    const kept = files
      .slice(at, at + AT_ONCE)
      .map((file) => keep(join(from, file), join(to, file), file, next, actions))
    await Promise.all(kept)
  }
  await syncFolder(to)
}

async function keep(from: string, to: string, name: string, next: number, actions: FileActions): Promise<void> {
  const number = /^(?:MANIFEST-)?(\d+)(?:\.[a-z]+)?$/.exec(name)?.[1]
  if (number === undefined || Number(number) >= next) return copy(from, to, actions)
  try {
    await actions.link(from, to)
  } catch (error) {
    if (!NO_LINKS.has((error as NodeJS.ErrnoException).code ?? '')) throw error
    if (!/\.(ldb|sst)$/.test(name)) await copy(from, to, actions)
  }
}

/** Where the file system can, it shares the blocks. */
async function copy(from: string, to: string, actions: FileActions): Promise<void> {
  await actions.copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  const handle = await promises.open(to, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/**
 * Files of the database in `folder` with numbers from here on may be written again by LevelDB, those before never. 0 where
 * CURRENT or the MANIFEST is gone, or is no file: then all may.
 */
export async function firstNewNumber(folder: string): Promise<number> {
  try {
    const current = (await promises.readFile(join(folder, 'CURRENT'), 'latin1')).trim()
    if (!/^MANIFEST-\d+$/.test(current)) return 0
    return nextFileNumber(await promises.readFile(join(folder, current)))
  } catch (error) {
    if (isMissing(error) || (error as NodeJS.ErrnoException).code === 'EISDIR') return 0
    throw error
  }
}

function syncFolderNow(path: string): void {
  if (process.platform === 'win32') return
  const descriptor = openSync(path, 'r')
  try {
    fsyncSync(descriptor)
  } finally {
    closeSync(descriptor)
  }
}

/**
 * A copy of a data directory, to open and look into: opening a LevelDB database repairs it, replaces its log and deletes what
 * it cannot read, and whoever only wants to look must not do that.
 *
 * Tables are hard links, which cost nothing; everything else is copied. LevelDB never changes a table that it has finished.
 * Always: what LevelDB might write to in the copy shares nothing with the original. It gives new tables the numbers from the
 * one on that its MANIFEST says, and writes over what has such a name; so the number is read from the MANIFEST of the copy,
 * once that is there: the original's may have gone on.
 *
 * The directory may be in use. A copy during which no file of it changed is what a crash at that moment would have left, and
 * as good as any. Where it never stands still the copy is told to be `torn`: what seems damaged in it may be whole.
 */
import { constants, rmSync, type BigIntStats } from 'node:fs'
import {
  access,
  chmod,
  copyFile,
  link,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  realpath,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { firstNewNumber } from './before-open.js'
import { DATA_NAMES } from './directory-survey.js'
import { asStoreError } from './disk-failure.js'
import { FORBIDDEN, isMissing, NO_LINKS } from './folder.js'

export interface DirectoryCopy {
  readonly path: string
  /** Whether files changed while it was made. */
  readonly torn: boolean
}

export interface CopyOptions {
  /** Where the copy is made, for as long as it is needed. Default: beside the directory; where that cannot be, in the system's temporary folder. */
  readonly temporary?: string | undefined
  readonly signal?: AbortSignal | undefined
}

const PREFIX = '.quorate-copy-'
const FILE_MODE = 0o600
const TRIES = 4
const AT_ONCE = 32
const TABLE = /^(\d+)\.(ldb|sst)$/
/** Nothing to keep, and to open and close it would release the lock of a database in this process. */
const LOCK = 'LOCK'

/** Has `use` look into a copy of `location`, which is gone afterwards, however that ends. */
export async function withDirectoryCopy<T>(
  location: string,
  options: CopyOptions,
  use: (copy: DirectoryCopy) => Promise<T>,
): Promise<T> {
  const path = await accessing(location, () => realpath(location))
  const room = await makeRoom(path, options.temporary)
  // A process that is ended while something here does not come back leaves nothing either.
  const removeNow = (): void => {
    rmSync(room, { recursive: true, force: true })
  }
  process.once('exit', removeNow)
  try {
    return await use(await accessing(location, () => copyStill(path, room, options.signal)))
  } finally {
    await rm(room, { recursive: true, force: true })
    process.removeListener('exit', removeNow)
  }
}

/** What fails here is about where the copy goes, and not about the directory. */
async function makeRoom(path: string, temporary: string | undefined): Promise<string> {
  if (temporary !== undefined) return makeTemporary(temporary)
  const beside = dirname(path)
  try {
    // A directory that is a volume of its own has nothing beside it that could share its files.
    if ((await stat(beside)).dev === (await stat(path)).dev) return await mkdtemp(join(beside, PREFIX))
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (!['EACCES', 'EPERM', 'EROFS', 'ENOSPC'].includes(code)) {
      throw asStoreError(`no copy to look into can be made in ${beside}`, error)
    }
  }
  return makeTemporary(tmpdir())
}

async function makeTemporary(folder: string): Promise<string> {
  try {
    return await mkdtemp(join(folder, PREFIX))
  } catch (error) {
    throw asStoreError(`no copy to look into can be made in ${folder}`, error)
  }
}

async function copyStill(path: string, room: string, signal: AbortSignal | undefined): Promise<DirectoryCopy> {
  for (let tried = 1; ; tried++) {
    signal?.throwIfAborted()
    const to = join(room, String(tried))
    const before = await fingerprint(path)
    const complete = await tryCopy(path, to)
    signal?.throwIfAborted()
    if (complete && before === (await fingerprint(path))) return { path: to, torn: false }
    if (tried >= TRIES) return { path: to, torn: true }
    await rm(to, { recursive: true, force: true })
  }
}

/** False where a file went away meanwhile. The high-water mark first: the log is then ahead of it, as after a crash. */
async function tryCopy(path: string, to: string): Promise<boolean> {
  await mkdir(to, { mode: 0o700 })
  let complete = true
  for (const name of DATA_NAMES) {
    const from = join(path, name)
    const found = await lookAt(from)
    if (found === undefined) continue
    if (found.isDirectory()) complete = (await copyDatabase(from, join(to, name))) && complete
    else if (found.isFile() || found.isSymbolicLink()) complete = (await copyOne(from, join(to, name))) && complete
    // A pipe would be waited for without an end. It holds nothing, as an empty file.
    else await writeFile(join(to, name), '', { mode: FILE_MODE })
  }
  return complete
}

async function copyDatabase(from: string, to: string): Promise<boolean> {
  await mkdir(to, { mode: 0o700 })
  const entries = await readdir(from, { withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && entry.name !== LOCK).map(({ name }) => name)
  const others = files.filter((file) => !TABLE.test(file))
  const tables = files.filter((file) => TABLE.test(file))
  const copied = await eachOf(others, (file) => copyOne(join(from, file), join(to, file)))
  const next = await firstNewNumber(to)
  const linked = await eachOf(tables, (file) => {
    const number = Number(TABLE.exec(file)?.[1])
    return (number < next ? linkOne : copyOne)(join(from, file), join(to, file))
  })
  return copied && linked
}

async function eachOf(files: readonly string[], copy: (file: string) => Promise<boolean>): Promise<boolean> {
  let complete = true
  for (let at = 0; at < files.length; at += AT_ONCE) {
    const done = await Promise.all(files.slice(at, at + AT_ONCE).map(copy))
    complete = complete && done.every(Boolean)
  }
  return complete
}

/** What may only be read is copied: what is looked into is opened as if it was to be worked on. */
async function linkOne(from: string, to: string): Promise<boolean> {
  try {
    await access(from, constants.R_OK | constants.W_OK)
    await link(from, to)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    const { code = '' } = error as NodeJS.ErrnoException
    if (!NO_LINKS.has(code) && !FORBIDDEN.has(code)) throw error
    return copyOne(from, to)
  }
}

async function copyOne(from: string, to: string): Promise<boolean> {
  try {
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
    // It has the mode of the original, which may be for reading alone.
    await chmod(to, FILE_MODE)
    return true
  } catch (error) {
    if (isMissing(error)) return false
    throw error
  }
}

/** Of everything that is copied: it is another one once any of it was written to. */
async function fingerprint(path: string): Promise<string> {
  const lines: string[] = []
  for (const name of DATA_NAMES) {
    const found = await lookAt(join(path, name))
    if (found === undefined) continue
    lines.push(lineOf(name, found))
    if (!found.isDirectory()) continue
    for (const file of (await readdir(join(path, name))).sort()) {
      const inside = await lookAt(join(path, name, file))
      if (inside !== undefined && file !== LOCK) lines.push(lineOf(`${name}/${file}`, inside))
    }
  }
  return lines.join('\n')
}

/** Links change the time of the node, and reading that of the access: neither is looked at. */
function lineOf(name: string, { ino, size, mtimeNs }: BigIntStats): string {
  return `${name} ${ino} ${size} ${mtimeNs}`
}

async function lookAt(path: string): Promise<BigIntStats | undefined> {
  try {
    return await lstat(path, { bigint: true })
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

async function accessing<T>(location: string, access: () => Promise<T>): Promise<T> {
  try {
    return await access()
  } catch (error) {
    throw asStoreError(`${location} cannot be read`, error, 'read')
  }
}

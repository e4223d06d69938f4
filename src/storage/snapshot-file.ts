/**
 * Snapshots as files.
 *
 *     <path>.<suffix>.part    being written, by this process alone
 *     <path>                  whole, checked and synced: it gets its name last, by one durable step
 *
 * Always: what stands under its name is a whole snapshot. A crash leaves at most a file that ends in `.part`, which nobody
 * reads. A file that is there already is replaced only where that was asked for; anything else that is there, a device or a
 * link, never, and nothing in the data directory of a member (snapshot-target.ts).
 */
import type { Stats } from 'node:fs'
import { type FileHandle, link, lstat, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { StoreError } from '../base/errors.js'
import { asStoreError } from './disk-failure.js'
import { isMissing, NO_LINKS, syncFolder } from './folder.js'
import { readSnapshot, type SnapshotContent } from './snapshot-reader.js'
import { refuseDataDirectory } from './snapshot-target.js'

/** For the owner alone: it holds every value, and the hashes of all passwords. */
const FILE_MODE = 0o600
const READ_BYTES = 256 * 1024

export interface SnapshotFileOptions {
  /** Whether a file of that name is replaced. */
  readonly overwrite: boolean
  /** Tells this writer's unfinished file from that of another one. */
  readonly suffix: string
}

/**
 * Writes a snapshot, checking it on its way; resolves once it is durable under its name. Rejects with `ALREADY_EXISTS`,
 * `SNAPSHOT_DAMAGED`, `DISK_FAILED`, and whatever the source throws; then there is no new file.
 */
export async function writeSnapshotFile(
  path: string,
  source: AsyncIterable<Uint8Array>,
  { overwrite, suffix }: SnapshotFileOptions,
): Promise<SnapshotContent> {
  const draft = `${path}.${suffix}.part`
  return accessing(`${path} cannot be written`, async () => {
    // At first, and not only at the end: a backup of gigabytes is not made for nothing.
    await refuseDataDirectory(path, dirname(resolve(path)))
    await refuseTaken(path, overwrite)
    try {
      const content = await writeDraft(draft, path, source)
      await (overwrite ? replace(draft, path) : giveName(draft, path))
      await syncFolder(dirname(resolve(path)))
      return content
    } catch (error) {
      await rm(draft, { force: true })
      throw error
    }
  })
}

/** The bytes of a file, in pieces. Rejects with `DISK_FAILED`. */
export async function* readFilePieces(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  const what = `${path} cannot be read`
  const handle = await accessing(what, () => openRegular(path), 'read')
  try {
    for (;;) {
      // One of its own for each piece: what is read from it is kept as views.
      const piece = Buffer.allocUnsafeSlow(READ_BYTES)
      const { bytesRead } = await accessing(what, () => handle.read(piece, 0, READ_BYTES), 'read')
      if (bytesRead === 0) return
      yield piece.subarray(0, bytesRead)
    }
  } finally {
    await handle.close()
  }
}

/** To open a pipe is to wait for whoever writes to it, for ever, and a device has no end. */
async function openRegular(path: string): Promise<FileHandle> {
  const found = await stat(path)
  if (!found.isFile()) {
    const what = found.isDirectory() ? 'a folder' : found.isFIFO() ? 'a named pipe' : 'no regular file'
    throw new StoreError('DISK_FAILED', `${path} cannot be read: it is ${what}. A snapshot is a file.`)
  }
  return open(path, 'r')
}

async function writeDraft(draft: string, path: string, source: AsyncIterable<Uint8Array>): Promise<SnapshotContent> {
  const handle = await open(draft, 'wx', FILE_MODE)
  try {
    const content = await readSnapshot(copying(source, handle), path)
    await handle.sync()
    return content
  } finally {
    await handle.close()
  }
}

async function* copying(
  source: AsyncIterable<Uint8Array>,
  handle: FileHandle,
): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const piece of source) {
    for (let at = 0; at < piece.byteLength;) at += (await handle.write(piece, at)).bytesWritten
    yield piece
  }
}

/** A link is refused where the name is taken; a rename would replace what came there meanwhile. */
async function giveName(draft: string, path: string): Promise<void> {
  try {
    await link(draft, path)
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') throw taken(path)
    if (!NO_LINKS.has(code)) throw error
    await refuseTaken(path, false)
    await rename(draft, path)
    return
  }
  await rm(draft)
}

async function replace(draft: string, path: string): Promise<void> {
  await refuseTaken(path, true)
  await rename(draft, path)
}

/** Of a link it is the link that would be replaced, of a device its node: not what is meant by a backup. */
async function refuseTaken(path: string, overwrite: boolean): Promise<void> {
  let found: Stats
  try {
    found = await lstat(path)
  } catch (error) {
    if (isMissing(error)) return
    throw error
  }
  if (!found.isFile()) {
    throw new StoreError(
      'ALREADY_EXISTS',
      `${path} is there and is no regular file: it is never replaced. Choose another name.`,
    )
  }
  if (!overwrite) throw taken(path)
}

function taken(path: string): StoreError {
  return new StoreError(
    'ALREADY_EXISTS',
    `${path} is there already. Choose another name, or have it replaced (overwrite: true; on the command line --overwrite).`,
  )
}

async function accessing<T>(what: string, access: () => Promise<T>, mode: 'read' | 'write' = 'write'): Promise<T> {
  try {
    return await access()
  } catch (error) {
    throw asStoreError(what, error, mode)
  }
}

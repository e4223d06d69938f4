/** A slot file in a folder (disk.ts says what it must do). */
import { fstatSync, statSync, writeSync } from 'node:fs'
import { type FileHandle, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { assert } from '../base/assert.js'
import { syncFolder } from './folder.js'

const FILE_MODE = 0o600

/** So many writes may go into a file that has lost its name before it is noticed. To look costs two microseconds. */
const WRITES_BETWEEN_LOOKS = 32

/** The content; undefined when there is no such file. What is none, a folder or a pipe, is a file without content. */
export async function readIfPresent(path: string): Promise<Uint8Array | undefined> {
  try {
    // To open a pipe is to wait for whoever writes to it.
    if (!(await stat(path)).isFile()) return new Uint8Array(0)
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Always: that the path still leads to the open file is looked at with every sync (each commit of the state, and the close)
 * and now and then between. A process goes on writing to files that were deleted under it without an error, and
 * acknowledges what nobody will find again.
 */
export class FolderSlotFile {
  readonly #path: string
  #handle: FileHandle | undefined
  #writes = 0

  private constructor(path: string, handle: FileHandle | undefined) {
    this.#path = path
    this.#handle = handle
  }

  static async open(path: string): Promise<FolderSlotFile> {
    try {
      if (!(await stat(path)).isFile()) return new FolderSlotFile(path, undefined)
      return new FolderSlotFile(path, await open(path, 'r+'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new FolderSlotFile(path, undefined)
      throw error
    }
  }

  async read(): Promise<Uint8Array | undefined> {
    return readIfPresent(this.#path)
  }

  /** A file of another name is filled and synced, then renamed: the rename is all or nothing. */
  async create(content: Uint8Array): Promise<void> {
    const draft = `${this.#path}.new`
    await rm(draft, { force: true })
    const handle = await open(draft, 'wx+', FILE_MODE)
    try {
      await handle.writeFile(content)
      await handle.sync()
      await removeFolder(this.#path)
      await rename(draft, this.#path)
      await syncFolder(dirname(this.#path))
    } catch (error) {
      await handle.close()
      throw error
    }
    const replaced = this.#handle
    this.#handle = handle
    await replaced?.close()
  }

  writeSync(bytes: Uint8Array, offset: number): void {
    assert(this.#handle !== undefined, () => `${this.#path} is not created`)
    if (this.#writes++ % WRITES_BETWEEN_LOOKS === 0) this.#checkPlace(this.#handle)
    const written = writeSync(this.#handle.fd, bytes, 0, bytes.byteLength, offset)
    if (written !== bytes.byteLength)
      throw new Error(`${written} of ${bytes.byteLength} bytes were written to ${this.#path}`)
  }

  /** The file's size never changes, so that its data is all there is to sync. */
  async sync(): Promise<void> {
    if (this.#handle === undefined) return
    this.#checkPlace(this.#handle)
    await this.#handle.datasync()
  }

  async close(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close()
  }

  #checkPlace({ fd }: FileHandle): void {
    const there = statSync(this.#path, { bigint: true, throwIfNoEntry: false })
    const open = fstatSync(fd, { bigint: true })
    if (there !== undefined && there.dev === open.dev && there.ino === open.ino) return
    throw new Error(
      `the data directory was removed or replaced while it was in use (${this.#path} is not the file this process has open)`,
    )
  }
}

/** Nothing can be renamed onto a folder. */
async function removeFolder(path: string): Promise<void> {
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory() === true) await rm(path, { recursive: true })
}

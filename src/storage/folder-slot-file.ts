/** A slot file in a folder (disk.ts says what it must do). */
import { writeSync } from 'node:fs'
import { type FileHandle, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { assert } from '../base/assert.js'
import { syncFolder } from './folder.js'

const FILE_MODE = 0o600

/** The content; undefined when there is no such file. */
export async function readIfPresent(path: string): Promise<Uint8Array | undefined> {
  try {
    return await readFile(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

export class FolderSlotFile {
  readonly #path: string
  #handle: FileHandle | undefined

  private constructor(path: string, handle: FileHandle | undefined) {
    this.#path = path
    this.#handle = handle
  }

  static async open(path: string): Promise<FolderSlotFile> {
    try {
      return new FolderSlotFile(path, await open(path, 'r+'))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return new FolderSlotFile(path, undefined)
      throw error
    }
  }

  async read(): Promise<Uint8Array | undefined> {
    return this.#handle === undefined ? undefined : await readFile(this.#path)
  }

  /** A file of another name is filled and synced, then renamed: the rename is all or nothing. */
  async create(content: Uint8Array): Promise<void> {
    assert(this.#handle === undefined, () => `${this.#path} exists already`)
    const draft = `${this.#path}.new`
    await rm(draft, { force: true })
    const handle = await open(draft, 'wx+', FILE_MODE)
    try {
      await handle.writeFile(content)
      await handle.sync()
      await rename(draft, this.#path)
      await syncFolder(dirname(this.#path))
    } catch (error) {
      await handle.close()
      throw error
    }
    this.#handle = handle
  }

  writeSync(bytes: Uint8Array, offset: number): void {
    assert(this.#handle !== undefined, () => `${this.#path} is not created`)
    const written = writeSync(this.#handle.fd, bytes, 0, bytes.byteLength, offset)
    if (written !== bytes.byteLength)
      throw new Error(`${written} of ${bytes.byteLength} bytes were written to ${this.#path}`)
  }

  /** The file's size never changes, so that its data is all there is to sync. */
  async sync(): Promise<void> {
    await this.#handle?.datasync()
  }

  async close(): Promise<void> {
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close()
  }
}

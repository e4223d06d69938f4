/** A folder for backups in memory, which can fail, stand still, and hold what others put there. */
import { isStoreError, StoreError } from '../../src/base/errors.js'
import type { BackupFolder } from '../../src/storage/backup-folder.js'
import { readSnapshot, readSnapshotHeader, type SnapshotContent } from '../../src/storage/snapshot-reader.js'

export class MemoryBackups implements BackupFolder {
  readonly location = 'memory'
  readonly files = new Map<string, Uint8Array>()
  /** What every call fails with. */
  failure: StoreError | undefined
  /** Told before a write ends; it ends when this resolves. */
  beforeEnd: () => Promise<void> = async () => undefined
  writing = 0
  mostAtOnce = 0

  get names(): string[] {
    return [...this.files.keys()].sort()
  }

  async list(): Promise<readonly string[]> {
    this.#check()
    return [...this.files.keys()]
  }

  async write(name: string, source: AsyncIterable<Uint8Array>, suffix: string): Promise<SnapshotContent> {
    const draft = `${name}.${suffix}.part`
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.writing)
    try {
      this.files.set(draft, new Uint8Array(0))
      const pieces: Uint8Array[] = []
      const content = await readSnapshot(collecting(source, pieces), name)
      await this.beforeEnd()
      this.#check()
      if (this.files.has(name)) throw new StoreError('ALREADY_EXISTS', name)
      this.files.set(name, Buffer.concat(pieces))
      return content
    } finally {
      this.writing--
      this.files.delete(draft)
    }
  }

  async header(name: string) {
    const content = this.files.get(name)
    if (content === undefined) throw new StoreError('DISK_FAILED', `${name} is gone`)
    return readSnapshotHeader(one(content), name)
  }

  async remove(name: string): Promise<void> {
    this.#check()
    this.files.delete(name)
  }

  /** Those that are snapshots, by their names. */
  async revisions(): Promise<Map<string, number>> {
    const found = new Map<string, number>()
    for (const name of this.names) {
      const header = await this.header(name).catch((error: unknown) => {
        if (!isStoreError(error)) throw error
      })
      if (header) found.set(name, header.revision)
    }
    return found
  }

  #check(): void {
    if (this.failure !== undefined) throw this.failure
  }
}

async function* collecting(source: AsyncIterable<Uint8Array>, into: Uint8Array[]): AsyncGenerator<Uint8Array> {
  for await (const piece of source) {
    into.push(piece)
    yield piece
  }
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes
}

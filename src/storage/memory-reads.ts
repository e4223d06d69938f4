/**
 * The records of a database in memory as well, for stores that cannot be read without waiting.
 *
 * Always: it holds what the database holds. It changes when a batch was told as written, before whoever waits for that goes
 * on; until then storage reads what it has given to the batch.
 */
import type { AnyLevel } from './any-level.js'

const CHUNK_RECORDS = 1000

export class MemoryReads {
  readonly #records = new Map<string, Uint8Array>()

  async load(level: AnyLevel): Promise<void> {
    const iterator = level.iterator({})
    try {
      for (;;) {
        const chunk = (await iterator.nextv(CHUNK_RECORDS)) as [string, Uint8Array][]
        if (chunk.length === 0) return
        // A copy: what a store gives may be a part of something larger, which would stay with it.
        for (const [key, value] of chunk) this.#records.set(key, Uint8Array.from(value))
      }
    } finally {
      await iterator.close()
    }
  }

  get(key: string): Uint8Array | undefined {
    return this.#records.get(key)
  }

  change(changes: readonly (readonly [string, Uint8Array | undefined])[]): void {
    for (const [key, value] of changes) {
      if (value === undefined) this.#records.delete(key)
      else this.#records.set(key, value)
    }
  }

  clear(): void {
    this.#records.clear()
  }
}

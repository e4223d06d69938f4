/** The records of a state in a Map, as the tests use them. */
import type { Backend } from '../../src/mvcc/backend.js'

export class MemoryBackend implements Backend {
  readonly records = new Map<string, Uint8Array>()
  /** Keys that were read. */
  reads: string[] = []

  get(key: string): Uint8Array | undefined {
    this.reads.push(key)
    return this.records.get(key)
  }

  set(key: string, record: Uint8Array): void {
    this.records.set(key, record)
  }

  delete(key: string): void {
    this.records.delete(key)
  }

  /** Of all records and their keys. */
  get bytes(): number {
    let sum = 0
    for (const [key, record] of this.records) sum += key.length + record.byteLength
    return sum
  }

  /** In the order of their keys, as a database gives them. */
  sorted(): readonly (readonly [string, Uint8Array])[] {
    return [...this.records].sort(([a], [b]) => (a < b ? -1 : 1))
  }

  copy(): MemoryBackend {
    const copy = new MemoryBackend()
    for (const [key, record] of this.records) copy.set(key, record)
    return copy
  }
}

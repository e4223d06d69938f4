/**
 * The state of the store, as plain data: what the parts of this folder share. `store.ts` is its face.
 *
 * Always: the index, the records behind the backend, the lease book and the digest tell the same story at the end of each
 * write; in between only `write.ts` touches them.
 */
import type { Digest } from '../base/checksum.js'
import { StoreError } from '../base/errors.js'
import type { Backend } from './backend.js'
import { ChangeCounts } from './change-counts.js'
import { HistoryDigest } from './history-digest.js'
import type { LeaseBook } from './lease-book.js'
import { PrefixQuotas } from './prefix-quotas.js'
import { decodeRecord, RECORD_KEY_BYTES, recordKey, recordKeyOf } from './record.js'
import { TreeIndex } from './tree-index.js'
import type { KeyValue, Revision, RevisionId } from './types.js'
import { ValueCache } from './value-cache.js'

/** Of a store that was never written to (etcd's). */
export const FIRST_REVISION: Revision = 1

export class KeySpace {
  readonly backend: Backend
  readonly leases: LeaseBook
  readonly index = new TreeIndex()
  revision: Revision = FIRST_REVISION
  /** The oldest revision that can be read; 0 before the first compaction. */
  compactRevision: Revision = 0
  /** The sum over the latest record of each key that exists. Two lanes, so that a write allocates nothing for it. */
  digestHigh = 0
  digestLow = 0
  /** Of all records that the backend holds, with the keys that they stand under. */
  bytes = 0
  /** By sweeps, since this was made. */
  removedRecords = 0
  readonly quotas = new PrefixQuotas()
  /** Which records the backend holds. */
  readonly history = new HistoryDigest()
  readonly changes = new ChangeCounts()

  /** Values of existing versions that are at hand. */
  readonly values: ValueCache

  constructor(backend: Backend, leases: LeaseBook, valueCacheBytesMax: number) {
    this.backend = backend
    this.leases = leases
    this.values = new ValueCache(valueCacheBytesMax)
  }

  get digest(): Digest {
    return { high: this.digestHigh >>> 0, low: this.digestLow >>> 0 }
  }

  addRecord(main: Revision, sub: number, record: Uint8Array): void {
    this.backend.set(recordKeyOf(main, sub), record)
    this.history.add(main, sub)
    this.changes.add(main, sub)
    this.bytes += RECORD_KEY_BYTES + record.byteLength
  }

  removeRecord(main: Revision, sub: number, bytes: number): void {
    this.backend.delete(recordKeyOf(main, sub))
    this.removedRecords++
    this.history.remove(main, sub)
    this.bytes -= RECORD_KEY_BYTES + bytes
  }

  /** What the record holds that the index names. Throws `DATA_DAMAGED` where it is missing or another one. */
  read(id: RevisionId): KeyValue {
    if (id.cached !== undefined) return id.cached
    const bytes = this.backend.get(recordKey(id))
    if (bytes === undefined) throw missingRecord(id)
    const record = decodeRecord(bytes)
    if (record.id.main !== id.main || record.id.sub !== id.sub || record.type !== 'put') throw missingRecord(id)
    this.keep(id, record.keyValue)
    return record.keyValue
  }

  /** Keeps what was read at hand, if it is the version that exists now. */
  keep(id: RevisionId, keyValue: KeyValue): void {
    const found = this.index.get(keyValue.key)
    if (found?.isCurrent(id) === true) this.values.keep(found, keyValue)
  }

  /** Refuses a revision that cannot be read: `COMPACTED`, `FUTURE_REVISION`. */
  checkReadable(revision: Revision): void {
    if (revision < this.compactRevision) {
      throw new StoreError(
        'COMPACTED',
        `Revision ${revision} is no longer available: the oldest readable is ${this.compactRevision}.`,
        { compactRevision: this.compactRevision },
      )
    }
    if (revision > this.revision) {
      throw new StoreError(
        'FUTURE_REVISION',
        `Revision ${revision} has not happened yet: the store is at ${this.revision}.`,
      )
    }
  }
}

function missingRecord(id: RevisionId): StoreError {
  return new StoreError('DATA_DAMAGED', `The record of revision ${id.main}.${id.sub} is missing or is another one.`)
}

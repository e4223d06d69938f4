/**
 * What one pass over the state has found so far: pure, so that what it would miss can be tried.
 *
 * Always: at its end every version that the key space counts was there, and no other: the sum over the revisions of all
 * records must come to the one that the store keeps of what it wrote and removed. That a record is as it was set its seal
 * shows, which is looked at where it is read.
 * Not here: leases, users, alarms and proposals seen have seals too, but no sum of their own by which one that is missing
 * would be found while the member runs; the digest of the whole state, looked at by every open, has them.
 */
import { describeDigest, equalDigest, type Digest } from '../base/checksum.js'
import { isStoreError } from '../base/errors.js'
import { HistoryDigest } from '../mvcc/history-digest.js'
import { decodeRecord, isRecordKey, recordKey } from '../mvcc/record.js'

export class ScrubTally {
  readonly #expected: Digest
  readonly #versions = new HistoryDigest()
  #records = 0
  #bytes = 0

  /** `expected`: the sum at the moment of which the records are. */
  constructor(expected: Digest) {
    this.#expected = expected
  }

  get records(): number {
    return this.#records
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Takes up one record; what is wrong with it, if anything is. */
  add(key: string, record: Uint8Array): string | undefined {
    this.#records++
    this.#bytes += key.length + record.byteLength
    if (!isRecordKey(key)) return undefined
    try {
      const { id } = decodeRecord(record)
      if (recordKey(id) !== key) return `the record of revision ${id.main} stands under another key`
      this.#versions.add(id.main, id.sub)
      return undefined
    } catch (error) {
      if (!isStoreError(error)) throw error
      return error.message
    }
  }

  /** Counts what was read and looked at elsewhere. */
  count(records: number, bytes: number): void {
    this.#records += records
    this.#bytes += bytes
  }

  /** What is wrong with all of them together, if anything is. */
  finish(): string | undefined {
    const found = this.#versions.digest
    if (equalDigest(found, this.#expected)) return undefined
    return (
      `the versions on disk come to ${describeDigest(found)}, those that were written to ${describeDigest(this.#expected)}: ` +
      'some are missing, or back'
    )
  }
}

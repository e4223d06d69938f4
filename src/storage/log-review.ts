/**
 * Reads a log that is in use back from its disk, and compares it record by record with what was written.
 *
 * Always: everything is of one moment, at which no write was under way: the records that there must be, their head, and the
 * iterator's view. What is written meanwhile is not seen.
 */
import { isStoreError } from '../base/errors.js'
import { damaged } from './damage.js'
import type { Database } from './disk.js'
import { decodeEntryRecord, entryRecordKey, type RecordSpan } from './entry-record.js'
import { decodeIdentity, IDENTITY_KEY } from './identity.js'
import { encodeLogHead, LOG_HEAD_KEY, type LogHead } from './log-head.js'
import type { PairIterator } from './merged-view.js'
import { readFailure } from './read-failure.js'

/** Records may be large. */
const RECORDS_PER_READ = 16

/** What was read since the last time. */
export interface Reviewed {
  readonly records: number
  readonly bytes: number
}

/** To be called in the moment it is about. Rejects with `DATA_DAMAGED` at the first record that is not as it was written. */
export function reviewLog(
  database: Database,
  spans: readonly RecordSpan[],
  head: LogHead,
  location: string,
): AsyncGenerator<Reviewed, void, undefined> {
  // Everything is taken now, not at the first read.
  const iterator = database.iterator({})
  const review = new Review([...spans], head, location)
  return read(iterator, review, location)
}

async function* read(
  iterator: PairIterator,
  review: Review,
  location: string,
): AsyncGenerator<Reviewed, void, undefined> {
  try {
    for (;;) {
      const pairs = await iterator.nextv(RECORDS_PER_READ)
      if (pairs.length === 0) break
      let bytes = 0
      for (const [key, value] of pairs) {
        bytes += key.length + value.byteLength
        review.add(key, value)
      }
      yield { records: pairs.length, bytes }
    }
    review.finish()
  } catch (error) {
    throw readFailure(location, 'the log', error)
  } finally {
    await iterator.close()
  }
}

class Review {
  readonly #spans: readonly RecordSpan[]
  readonly #head: LogHead
  readonly #location: string
  #seen = 0
  readonly #others = new Set<string>()

  constructor(spans: readonly RecordSpan[], head: LogHead, location: string) {
    this.#spans = spans
    this.#head = head
    this.#location = location
  }

  add(key: string, value: Uint8Array): void {
    if (key === LOG_HEAD_KEY && Buffer.compare(value, encodeLogHead(this.#head)) !== 0)
      this.#damaged('the head is not the one that was written')
    if (key === IDENTITY_KEY) this.#readable('the owner', () => decodeIdentity(value))
    if (key === LOG_HEAD_KEY || key === IDENTITY_KEY) {
      this.#others.add(key)
      return
    }
    const span = this.#spans[this.#seen++]
    if (span === undefined) return this.#damaged('a record behind the end was not written')
    const what = `the record of entry ${span.firstIndex}`
    if (key !== entryRecordKey(span.firstIndex)) this.#damaged(`${what} is gone, or one before it was not written`)
    if (this.#readable(what, () => decodeEntryRecord(value)).chainAfter !== span.chainAfter)
      this.#damaged(`${what} is not the one that was written`)
  }

  finish(): void {
    const next = this.#spans[this.#seen]
    if (next !== undefined) this.#damaged(`the record of entry ${next.firstIndex} is gone`)
    if (this.#others.size < 2) this.#damaged('the head or the owner is gone')
  }

  #readable<T>(what: string, decode: () => T): T {
    try {
      return decode()
    } catch (error) {
      if (!isStoreError(error, 'MALFORMED')) throw error
      return this.#damaged(`${what} is unreadable (${error.message})`)
    }
  }

  #damaged(what: string): never {
    throw damaged(this.#location, `of the log, ${what}`)
  }
}

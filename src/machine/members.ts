/**
 * The members of the cluster as the state knows them: nothing until their first change is applied, since before that they
 * are who each member was told at its start.
 *
 * Part of the replicated state: one record, in the digest and in snapshots.
 */
import { AssertionError } from '../base/assert.js'
import { EMPTY_DIGEST, hash64, type Digest } from '../base/checksum.js'
import { isStoreError } from '../base/errors.js'
import { bookSince, decodeMembership, encodeMembership, type MembersEntry } from './member-book-codec.js'
import type { MemberBook, Membership } from './member-book.js'

export class Members {
  #membership: Membership | undefined
  #removed: ReadonlySet<number> = new Set()
  #record: Uint8Array | undefined
  #digest: Digest = EMPTY_DIGEST

  get membership(): Membership | undefined {
    return this.#membership
  }

  get digest(): Digest {
    return this.#digest
  }

  /** As on disk; undefined where there is none. */
  get record(): Uint8Array | undefined {
    return this.#record
  }

  /** Whether it was one, and is none any more. */
  wasRemoved(id: number): boolean {
    return this.#removed.has(id)
  }

  /** The entry at `index` is applied; gives those who are removed by it. */
  apply(index: number, entry: MembersEntry): readonly number[] {
    const { book: members = [], removed = [] } = this.#membership ?? {}
    const book = read(index, entry, { members, removed })
    const gone = book.removed.filter((id) => !this.#removed.has(id))
    this.#become({ index, configuration: entry.configuration, book: book.members, removed: book.removed })
    return gone
  }

  /** Takes up the record written before. Throws `DATA_DAMAGED`. */
  load(record: Uint8Array): void {
    this.#become(decodeMembership(record))
  }

  /** Whether there was anything to forget: another cluster begins with this state. */
  forget(): boolean {
    const known = this.#membership !== undefined
    this.#become(undefined)
    return known
  }

  #become(membership: Membership | undefined): void {
    this.#membership = membership
    this.#removed = new Set(membership?.removed)
    this.#record = membership && encodeMembership(membership)
    this.#digest = this.#record === undefined ? EMPTY_DIGEST : hash64(this.#record)
  }
}

/** It was made by a leader, and checked on the wire and on the disk: what cannot be read now was written wrongly. */
function read(index: number, entry: MembersEntry, before: MemberBook): MemberBook {
  try {
    return bookSince(entry, before)
  } catch (error) {
    if (!isStoreError(error, 'MALFORMED')) throw error
    throw new AssertionError(`entry ${index} changes the members: ${error.message}`)
  }
}

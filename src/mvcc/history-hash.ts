/**
 * The hash of everything that can be read up to a revision, given what was compacted: what two members compare.
 *
 * It takes each record of a change after the compact revision, and of those up to it the ones that a reader at the compact
 * revision, or a watch from it on, still needs. The rest, which a sweep removes sooner or later, is left out whether it is
 * still there or not. So it is the same on every member that has compacted to the same revision.
 *
 * Always: the sweep is held while records are added, or the index could forget what this goes by. Records may come in any
 * order, for it is a sum.
 */
import { addDigest, EMPTY_DIGEST, type Digest } from '../base/checksum.js'
import type { KeySpace } from './key-space.js'
import { decodeRecord, hashRecord } from './record.js'
import type { Revision } from './types.js'

export class HistoryHash {
  readonly revision: Revision
  readonly compactRevision: Revision
  readonly #space: KeySpace
  #digest: Digest = EMPTY_DIGEST

  /** Up to `revision`; 0: the current one. Throws `COMPACTED`, `FUTURE_REVISION`. */
  constructor(space: KeySpace, revision: Revision) {
    if (revision !== 0) space.checkReadable(revision)
    this.#space = space
    this.revision = revision === 0 ? space.revision : revision
    this.compactRevision = space.compactRevision
  }

  get digest(): Digest {
    return this.#digest
  }

  /** Throws `DATA_DAMAGED`. */
  add(bytes: Uint8Array): void {
    const { id, keyValue } = decodeRecord(bytes)
    if (id.main > this.revision || !this.#counts(keyValue.key, id.main)) return
    this.#digest = addDigest(this.#digest, hashRecord(bytes))
  }

  /** A tombstone exactly at the compact revision is told to a watch from there on. */
  #counts(key: string, main: Revision): boolean {
    if (main >= this.compactRevision) return true
    return this.#space.index.get(key)?.at(this.compactRevision)?.main === main
  }
}

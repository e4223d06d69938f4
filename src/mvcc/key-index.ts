/**
 * The history of one key: which revisions changed it, and how.
 *
 * etcd keeps a list of generations, each a life of the key from its creation to its tombstone. A tombstone says all that
 * the boundary between two generations says, so here the history is one ascending list of changes, each a put or a
 * tombstone (†), and a generation is what stands between two tombstones:
 *
 *     operation       changes kept          createRevision  version
 *     put at 2        2                     2               1
 *     put at 5        2 5                   2               2
 *     delete at 6     2 5 6†                0               0
 *     put at 9        2 5 6† 9              9               1
 *     put at 11       2 5 6† 9 11           9               2
 *
 *     compact(5)        5 6† 9 11           the put at 5 is what a reader at 5 sees
 *     compact(6)          6† 9 11           a tombstone exactly there stays: a watch from 6 must report it
 *     compact(7)             9 11           an older one goes: a reader at 7 sees nothing either way
 *     compact(10)            9 11
 *     compact(11)              11           createRevision 9 and version 2 are unchanged: they stand in the record
 *
 * Always: revisions ascend strictly; no transaction changes a key twice (`DUPLICATE_KEY` sees to it).
 * Always: after a tombstone comes a put.
 *
 * There is one of these for every key, so it is built to be small: the latest change is kept in fields, and a key that
 * was written once (most are) needs no array at all.
 */
import { assert } from '../base/assert.js'
import type { Key } from '../base/bytes.js'
import type { KeyValue, Revision, RevisionId } from './types.js'

export class KeyIndex {
  readonly key: Key
  /** Of the life the key is in; 0 while it does not exist. */
  createRevision: Revision = 0
  /** Of the latest put; 0 while the key does not exist. */
  version = 0
  /** The hash of the latest put's record, as the store's digest counts it: two signed 32-bit lanes, since V8 keeps those unboxed. */
  hashHigh = 0
  hashLow = 0
  /** Of the record of the latest change; set by whoever writes or loads it. */
  bytes = 0
  /** The version that exists now as a whole, where the cache of values keeps it. */
  cached: KeyValue | undefined
  /** The latest change; 0 before the first. */
  #main: Revision = 0
  #tag = 0
  /** The changes before, oldest first: revision and tag by turns, the tag with the bytes of the record above it. Undefined: none. */
  #earlier: number[] | undefined

  constructor(key: Key) {
    this.key = key
  }

  /** Whether the key exists now. */
  get live(): boolean {
    return this.createRevision !== 0
  }

  /** Revision of the latest change, be it a put or a tombstone. */
  get modRevision(): Revision {
    return this.#main
  }

  /** Nothing is left of it: the index can forget the key. */
  get empty(): boolean {
    return this.#main === 0
  }

  /** Whether a compaction may find something here to drop. */
  get compactable(): boolean {
    return this.#earlier !== undefined || (this.#tag & TOMBSTONE) !== 0
  }

  /** The record of the version that exists now. */
  get current(): RevisionId | undefined {
    if (!this.live) return undefined
    const { cached } = this
    const main = this.#main
    const sub = this.#tag >>> 1
    return cached === undefined ? { main, sub } : { main, sub, cached }
  }

  isCurrent({ main, sub }: RevisionId): boolean {
    return this.live && main === this.#main && sub === this.#tag >>> 1
  }

  put(main: Revision, sub: number): void {
    this.#push(main, sub << 1)
    if (this.createRevision === 0) this.createRevision = main
    this.version++
  }

  delete(main: Revision, sub: number): void {
    assert(this.live, () => `tombstone at ${main} for ${JSON.stringify(this.key)}, which does not exist`)
    this.#push(main, (sub << 1) | TOMBSTONE)
    this.createRevision = 0
    this.version = 0
  }

  /**
   * Adds a change found on disk at open, where what came before may have been compacted away: `life` is what the record
   * says of itself, undefined for a tombstone.
   */
  restore(id: RevisionId, life: { readonly createRevision: Revision; readonly version: number } | undefined): void {
    this.#push(id.main, (id.sub << 1) | (life === undefined ? TOMBSTONE : 0))
    this.createRevision = life?.createRevision ?? 0
    this.version = life?.version ?? 0
  }

  /** The record of the version that existed at `revision`, as far as it was not compacted away. */
  at(revision: Revision): RevisionId | undefined {
    if (this.#main <= revision) return this.current
    const earlier = this.#earlier
    if (earlier === undefined) return undefined
    const place = lastAtOrBefore(earlier, revision)
    if (place < 0) return undefined
    const tag = earlier[place + 1] as number
    return (tag & TOMBSTONE) === 0 ? { main: earlier[place] as Revision, sub: tag >>> 1 } : undefined
  }

  /** Of the record of the version that existed at `revision`; 0 where there was none, or it was compacted away. */
  bytesAt(revision: Revision): number {
    if (this.#main <= revision) return this.live ? this.bytes : 0
    const earlier = this.#earlier
    const place = earlier === undefined ? -1 : lastAtOrBefore(earlier, revision)
    if (earlier === undefined || place < 0) return 0
    const tag = earlier[place + 1] as number
    return (tag & TOMBSTONE) === 0 ? bytesOf(tag) : 0
  }

  /**
   * How many of its changes, oldest first, no reader at `revision` or later needs. Compacting is to {@link visit} these and
   * then to {@link forget} them; a key may have a million of them, so that may take several steps: at a later revision
   * they are never fewer.
   */
  superfluousAt(revision: Revision): number {
    const earlier = this.#earlier
    if (this.#main <= revision) {
      const before = earlier === undefined ? 0 : earlier.length / 2
      if ((this.#tag & TOMBSTONE) === 0 || this.#main === revision) return before
      return before + 1
    }
    if (earlier === undefined) return 0
    const place = lastAtOrBefore(earlier, revision)
    if (place < 0) return 0
    const keep = ((earlier[place + 1] as number) & TOMBSTONE) === 0 || earlier[place] === revision
    return (keep ? place : place + 2) / 2
  }

  /** Hands out the changes from place `from` to before `to`, counted from the oldest. */
  visit(from: number, to: number, change: Visit): void {
    const earlier = this.#earlier ?? NO_CHANGES
    const end = Math.min(2 * to, earlier.length)
    for (let at = 2 * from; at < end; at += 2) {
      const tag = earlier[at + 1] as number
      change(earlier[at] as Revision, tag >>> 1, bytesOf(tag))
    }
    if (2 * to > earlier.length) change(this.#main, this.#tag >>> 1, this.bytes)
  }

  /** Drops the oldest `count` changes. */
  forget(count: number): void {
    const earlier = this.#earlier
    const before = earlier === undefined ? 0 : earlier.length / 2
    if (count < before) this.#earlier = earlier?.slice(2 * count)
    else this.#earlier = undefined
    if (count <= before) return
    assert(!this.live, () => `the version of ${JSON.stringify(this.key)} that exists is dropped`)
    this.#main = 0
    this.#tag = 0
    this.bytes = 0
  }

  /** The changes kept, oldest first, as the drawing above shows them. */
  describe(): string {
    const all = [...(this.#earlier ?? []), ...(this.empty ? [] : [this.#main, this.#tag])]
    const words: string[] = []
    for (let at = 0; at < all.length; at += 2) {
      words.push(`${all[at]}${((all[at + 1] as number) & TOMBSTONE) === 0 ? '' : '†'}`)
    }
    return words.join(' ')
  }

  #push(main: Revision, tag: number): void {
    assert(main > this.#main, () => `${JSON.stringify(this.key)} changed at ${main} after it changed at ${this.#main}`)
    if (this.#main !== 0) {
      const tag = this.#tag + this.bytes * ABOVE_TAG
      if (this.#earlier === undefined) this.#earlier = [this.#main, tag]
      else this.#earlier.push(this.#main, tag)
    }
    this.#main = main
    this.#tag = tag
    this.bytes = 0
    this.cached = undefined
  }
}

/** `bytes`: of the record. */
type Visit = (main: Revision, sub: number, bytes: number) => void

/** A tag is the place within the transaction, times two, plus this for a tombstone. */
const TOMBSTONE = 1
/**
 * What the bytes of an earlier record are multiplied with to stand above its tag: the number stays whole, and takes no
 * more room than the tag alone. Operators on bits see the tag only.
 */
const ABOVE_TAG = 2 ** 32

function bytesOf(tag: number): number {
  return Math.floor(tag / ABOVE_TAG)
}
const NO_CHANGES: readonly number[] = Object.freeze([])

/** Where the latest change at or before `revision` stands; -1 if all are later. */
function lastAtOrBefore(changes: readonly number[], revision: Revision): number {
  let low = 0
  let high = changes.length / 2
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((changes[middle * 2] as number) <= revision) low = middle + 1
    else high = middle
  }
  return (low - 1) * 2
}

/**
 * How many keys there are in a range at a revision, and how many bytes they and their values have: told by the index alone.
 *
 * In steps, since a range may hold millions of keys. All steps look at one revision, so that what is written in between
 * does not matter; whoever takes them holds the sweep (compaction.ts), so that nothing of that revision is forgotten.
 */
import { FROM_KEY_ON, prefixEnd, type Key } from '../base/bytes.js'
import type { KeySpace } from './key-space.js'
import { contentBytes } from './record.js'
import type { Revision } from './types.js'

export interface KeyRange {
  readonly key: Key
  readonly rangeEnd?: Key | undefined
}

/** What is counted so far. */
export interface Tally {
  keys: number
  /** Of keys and values. */
  bytes: number
}

/** Adds up to `most` histories of `range` to `tally`; gives what is left of the range, undefined at its end. */
export function tallyRange(
  space: KeySpace,
  { key, rangeEnd }: KeyRange,
  at: Revision,
  most: number,
  tally: Tally,
): KeyRange | undefined {
  let left = most
  let rest: KeyRange | undefined
  space.index.visit(key, rangeEnd, (found) => {
    if (left-- === 0) {
      rest = { key: found.key, rangeEnd }
      return false
    }
    const bytes = found.bytesAt(at)
    if (bytes > 0) {
      tally.keys++
      tally.bytes += contentBytes(bytes)
    }
    return true
  })
  return rest
}

/**
 * Counts up to `most` more keys for the quota of a prefix that does not hold yet; whether there was one.
 *
 * Those that are gone count as looked at where every member still has their history: with how many keys a step ends must
 * not depend on how far a member has come with removing what was compacted.
 */
export function countPrefix({ index, quotas, compactRevision }: KeySpace, most: number): boolean {
  const quota = quotas.counting
  if (quota === undefined) return false
  const { prefix, countedTo = prefix } = quota
  const tally: Tally = { keys: 0, bytes: 0 }
  let left = most
  let next: Key | undefined
  index.visit(countedTo, prefix === '' ? FROM_KEY_ON : prefixEnd(prefix), (found) => {
    if (!found.live && found.modRevision < compactRevision) return true
    if (left-- === 0) {
      next = found.key
      return false
    }
    if (found.live) {
      tally.keys++
      tally.bytes += contentBytes(found.bytes)
    }
    return true
  })
  quotas.counted(prefix, tally, next)
  return true
}

/**
 * A sum over which records there are, of every version that is kept: superseded ones and tombstones too.
 *
 * The store's own digest leaves history out, so that members which are not equally far with removing compacted versions
 * agree. So a disk that loses a superseded record would go unseen, and a watch from the past would pass over a change
 * without a word. This sum is each member's own affair: it is written with the state it belongs to, and must come out
 * again when the records are loaded.
 *
 * Of each record it takes the revision it stands under and not its bytes: those have a checksum of their own, are never
 * replaced, and would have to be read once more to be removed.
 */
import { mix, type Digest } from '../base/checksum.js'
import type { Revision } from './types.js'

const TWO_32 = 0x1_0000_0000
const HIGH_LANE = 0x85ebca6b
const LOW_LANE = 0xc2b2ae35
const UPPER_HALF = 0x9e3779b9

export class HistoryDigest {
  // Two signed lanes, so that a write allocates nothing for it.
  #high = 0
  #low = 0

  get digest(): Digest {
    return { high: this.#high >>> 0, low: this.#low >>> 0 }
  }

  add(main: Revision, sub: number): void {
    const hash = hashRevision(main)
    this.#high = (this.#high + mix(hash ^ mix(sub ^ HIGH_LANE))) | 0
    this.#low = (this.#low + mix(hash ^ mix(sub ^ LOW_LANE))) | 0
  }

  remove(main: Revision, sub: number): void {
    const hash = hashRevision(main)
    this.#high = (this.#high - mix(hash ^ mix(sub ^ HIGH_LANE))) | 0
    this.#low = (this.#low - mix(hash ^ mix(sub ^ LOW_LANE))) | 0
  }
}

/** Revisions are whole numbers up to 2^53: the lower and the upper half count. */
function hashRevision(main: Revision): number {
  return mix(main) ^ mix(Math.floor(main / TWO_32) ^ UPPER_HALF)
}

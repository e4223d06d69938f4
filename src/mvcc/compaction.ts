/**
 * Physical compaction: the records that no reader needs any more, removed a few at a time.
 *
 * Logically a compaction is done at once, by one number: from then on nothing older can be read. The records and index
 * entries behind it may be many, so they are swept in steps, of which the machine takes one with each entry it applies and
 * the member more when it is idle. Nobody can tell how far the sweep is: readers are refused by the number, a watch from
 * the compact revision on meets only records that are kept, and the digests leave history out. So after a restart the
 * sweep simply begins again.
 *
 * Only keys with more to them than one live version are visited, so that the work is in proportion to the garbage, not
 * to the keys. They are visited in a circle: a compaction that comes while another is swept prolongs the round, it does
 * not begin a new one, or frequent compactions would never let the sweep reach the end. A key with a history longer than
 * a step is left in the middle of it and gone on with in the next one.
 *
 * A reader that has planned what to read and not yet read all of it holds the sweep: what a compaction makes superfluous
 * after its plan is removed when it has done. How far the sweep has come is each member's own affair, so one member may
 * wait where others go on. Those who come after the compaction need nothing of what it removes, and hold nothing up.
 */
import { assert } from '../base/assert.js'
import { Queue } from '../base/queue.js'
import type { KeyIndex } from './key-index.js'
import type { KeySpace } from './key-space.js'
import type { Revision } from './types.js'

export class Sweep {
  readonly #space: KeySpace
  /** The keys at which a compaction may one day find something, each once. */
  readonly #candidates = new Queue<KeyIndex>()
  /** Visits until every candidate that there was at the last compaction has been seen. */
  #remaining = 0
  /** Of the first candidate, whose history was longer than what was left of a step: how many of its changes are removed. */
  #removed = 0
  /** The compact revision at each hold, oldest first. */
  readonly #holds = new Set<{ readonly compactRevision: Revision }>()

  constructor(space: KeySpace) {
    this.#space = space
  }

  get pending(): boolean {
    return this.#remaining > 0
  }

  /** Keeps every record that can be read now, until what this gives is called. */
  hold(): () => void {
    const hold = { compactRevision: this.#space.compactRevision }
    this.#holds.add(hold)
    return () => {
      this.#holds.delete(hold)
    }
  }

  /** Tells that a key has come to be compactable. The round under way would find nothing there yet. */
  add(found: KeyIndex): void {
    this.#candidates.push(found)
  }

  /** Begins a round up to the store's compact revision, or prolongs the one under way. */
  begin(): void {
    this.#remaining = this.#candidates.size
  }

  /** Visits up to `keysMax` keys, of which each removed change counts for one. Whether a further step would find something to do. */
  step(keysMax: number): boolean {
    if (this.#held) return false
    this.#visit(keysMax)
    return this.pending
  }

  /** The first hold is the oldest: compact revisions only rise. */
  get #held(): boolean {
    for (const { compactRevision } of this.#holds) return compactRevision < this.#space.compactRevision
    return false
  }

  #visit(keysMax: number): void {
    let budget = keysMax
    while (this.#remaining > 0 && budget > 0) {
      const found = this.#candidates.first
      assert(found !== undefined, 'the sweep has lost a key')
      const superfluous = found.superfluousAt(this.#space.compactRevision)
      const through = Math.min(superfluous, this.#removed + budget)
      found.visit(this.#removed, through, this.#remove)
      budget -= 1 + through - this.#removed
      this.#removed = through
      if (through === superfluous) this.#finish(found)
    }
  }

  readonly #remove = (main: Revision, sub: number, bytes: number): void => {
    this.#space.removeRecord(main, sub, bytes)
  }

  #finish(found: KeyIndex): void {
    this.#candidates.shift()
    this.#remaining--
    if (this.#removed > 0) found.forget(this.#removed)
    this.#removed = 0
    if (found.empty) this.#space.index.remove(found.key)
    else if (found.compactable) this.#candidates.push(found)
  }
}

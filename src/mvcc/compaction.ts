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
import type { KeyIndex } from './key-index.js'
import type { KeySpace } from './key-space.js'
import type { Revision } from './types.js'

export class Sweep {
  readonly #space: KeySpace
  readonly #candidates = new Set<KeyIndex>()
  #cursor: Iterator<KeyIndex> = this.#candidates.values()
  /** Visits until every candidate has been seen since the last compaction. */
  #remaining = 0
  /** The compact revision at each hold, oldest first. */
  /** The key whose history was longer than what was left of a step, and how many of its changes are removed. */
  #unfinished: { readonly found: KeyIndex; readonly removed: number } | undefined
  readonly #holds = new Set<{ readonly compactRevision: Revision }>()

  constructor(space: KeySpace) {
    this.#space = space
  }

  get pending(): boolean {
    return this.#remaining > 0 || this.#unfinished !== undefined
  }

  /** Keeps every record that can be read now, until what this gives is called. */
  hold(): () => void {
    const hold = { compactRevision: this.#space.compactRevision }
    this.#holds.add(hold)
    return () => {
      this.#holds.delete(hold)
    }
  }

  /** Tells that a compaction may one day find something at this key. */
  add(found: KeyIndex): void {
    const before = this.#candidates.size
    this.#candidates.add(found)
    if (this.#remaining > 0) this.#remaining += this.#candidates.size - before
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
    while (budget > 0) {
      const { found, removed } = this.#unfinished ?? { found: this.#take(), removed: 0 }
      if (found === undefined) return
      const superfluous = found.superfluousAt(this.#space.compactRevision)
      const through = Math.min(superfluous, removed + budget)
      found.visit(removed, through, this.#remove)
      budget -= 1 + through - removed
      this.#unfinished = through < superfluous ? { found, removed: through } : undefined
      if (this.#unfinished === undefined) this.#finish(found, superfluous)
    }
  }

  readonly #remove = (main: Revision, sub: number, bytes: number): void => {
    this.#space.removeRecord(main, sub, bytes)
  }

  #finish(found: KeyIndex, superfluous: number): void {
    if (superfluous > 0) found.forget(superfluous)
    if (found.compactable && !found.empty) return
    this.#candidates.delete(found)
    if (found.empty) this.#space.index.remove(found.key)
  }

  /** The next key of the round. */
  #take(): KeyIndex | undefined {
    if (this.#remaining === 0) return undefined
    const found = this.#next()
    this.#remaining = found === undefined ? 0 : this.#remaining - 1
    return found
  }

  #next(): KeyIndex | undefined {
    const next = this.#cursor.next()
    if (!next.done) return next.value
    this.#cursor = this.#candidates.values()
    const first = this.#cursor.next()
    return first.done ? undefined : first.value
  }
}

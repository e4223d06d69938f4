/**
 * How many changes each revision has: whoever reads history finds by it that a record is missing, which no seal shows.
 *
 * The changes of a revision are numbered from 0, and a revision behind the last compaction keeps all of them. Most have one:
 * only those with several take up memory.
 */
import type { Revision } from './types.js'

export class ChangeCounts {
  /** In ascending order. */
  readonly #several = new Map<Revision, number>()

  /** Of a revision that happened and is not compacted. */
  of(main: Revision): number {
    return this.#several.get(main) ?? 1
  }

  /** Changes come in their order. */
  add(main: Revision, sub: number): void {
    if (sub > 0) this.#several.set(main, sub + 1)
  }

  /** Of revisions up to here it depends on the sweep which changes are kept. */
  compacted(revision: Revision): void {
    for (const main of this.#several.keys()) {
      if (main > revision) return
      this.#several.delete(main)
    }
  }
}

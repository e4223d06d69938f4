/**
 * How many changes each revision has: whoever reads history finds by it that a record is missing, which no seal shows.
 *
 * The changes of a revision are numbered from 0, and every revision that can be read keeps all of them, the compact revision
 * too (key-index.ts). Most have one: only those with several take up memory.
 */
import type { Revision } from './types.js'

export class ChangeCounts {
  /** In ascending order. */
  readonly #several = new Map<Revision, number>()
  /** Without a change. One at most: whoever raises the revision compacts everything before it. */
  #without: Revision = 0

  /** Of a revision that happened and can be read. */
  of(main: Revision): number {
    return main === this.#without ? 0 : (this.#several.get(main) ?? 1)
  }

  /** Changes come in their order. */
  add(main: Revision, sub: number): void {
    if (sub > 0) this.#several.set(main, sub + 1)
  }

  /** The revision `main`, the compact revision, has no change: the store was raised to it. */
  raised(main: Revision): void {
    this.#without = main
  }

  /** Of revisions before this one it depends on the sweep which changes are kept. */
  compacted(revision: Revision): void {
    for (const main of this.#several.keys()) {
      if (main >= revision) return
      this.#several.delete(main)
    }
  }
}

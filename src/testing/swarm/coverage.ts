/**
 * What happened in a run, counted: faults that took effect, what became of frames, what disks did, points of slow ways,
 * decisions of the core, operations and what became of them.
 *
 * Always: plain data, so that it can be added up over runs and sent between threads.
 */

/** Counts by group and name: `{ fault: { crash: 3 }, ... }`. */
export type Coverage = Readonly<Record<string, Readonly<Record<string, number>>>>

/** Adds up. */
export class CoverageSum {
  readonly #groups = new Map<string, Map<string, number>>()

  add(group: string, name: string, count = 1): void {
    if (count === 0) return
    let counts = this.#groups.get(group)
    if (counts === undefined) this.#groups.set(group, (counts = new Map<string, number>()))
    counts.set(name, (counts.get(name) ?? 0) + count)
  }

  addAll(coverage: Coverage): void {
    for (const [group, counts] of Object.entries(coverage)) {
      for (const [name, count] of Object.entries(counts)) this.add(group, name, count)
    }
  }

  count(group: string, name: string): number {
    return this.#groups.get(group)?.get(name) ?? 0
  }

  get coverage(): Coverage {
    return Object.fromEntries([...this.#groups].map(([group, counts]) => [group, Object.fromEntries(counts)]))
  }
}

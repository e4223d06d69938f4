/**
 * Conditions that last for a while and may overlap: a way that is cut twice is cut until both cuts are over.
 *
 * Always: of several values that stand for one thing, the latest counts; when it ends, the one before it counts again.
 */

export class Standing {
  readonly #standing = new Map<string, { readonly value: unknown }[]>()

  /**
   * From now on `value` stands for `thing`, until the function returned is called. `apply` is told what counts now,
   * undefined: nothing.
   */
  begin<Value>(thing: string, value: Value, apply: (value: Value | undefined) => void): () => void {
    const entries = this.#standing.get(thing) ?? []
    this.#standing.set(thing, entries)
    const entry = { value }
    entries.push(entry)
    apply(value)
    return () => {
      const at = entries.indexOf(entry)
      if (at < 0) return
      entries.splice(at, 1)
      apply(entries.at(-1)?.value as Value | undefined)
    }
  }

  /** Whether anything stands for `thing`. */
  has(thing: string): boolean {
    return (this.#standing.get(thing)?.length ?? 0) > 0
  }
}

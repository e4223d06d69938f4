/**
 * Delta debugging (Zeller and Hildebrandt): the least of a list that still does what the whole list does.
 *
 * Always: what is returned was tried and held, or is the whole. Always: the order of what stays is kept.
 */

/** Whether what is left still does it; `undefined` when there is no time left to find out. */
export type Holds<T> = (kept: readonly T[]) => Promise<boolean | undefined>

/** Leaves out halves, then quarters, and so on, as long as what is left still holds; at the end each by itself. */
export async function ddmin<T>(items: readonly T[], holds: Holds<T>): Promise<readonly T[]> {
  let kept = items
  if (kept.length === 0) return kept
  const none = await holds([])
  if (none === undefined) return kept
  if (none) return []
  let size = Math.ceil(kept.length / 2)
  while (kept.length > 1) {
    const before = kept.length
    for (let from = 0; from < kept.length && kept.length > 1;) {
      const without = [...kept.slice(0, from), ...kept.slice(from + size)]
      const held = without.length > 0 && (await holds(without))
      if (held === undefined) return kept
      if (held) kept = without
      else from += size
    }
    if (size === 1 && kept.length === before) return kept
    // Again with this size where much went: what could not go alone may go now.
    if (kept.length === before || size > kept.length) size = Math.max(1, Math.ceil(Math.min(size, kept.length) / 2))
  }
  return kept
}

/**
 * Records in key order, seen through the changes that lie over them: of two with one key the change counts, and a deletion
 * hides the record.
 *
 * Always: the whole is the state at one moment, the one at which the view was made. The changes were copied out then, and
 * the iterator reads from a snapshot that the database took then.
 */
import { type Change, DELETED } from './overlay.js'

export type Pair = [key: string, value: Uint8Array]

/** As much of an abstract-level iterator as is needed. */
export interface PairIterator {
  nextv(size: number): Promise<Pair[]>
  close(): Promise<void>
}

/** `older` under `newer`, both in key order: one list in key order. */
export function mergeChanges(
  older: readonly [string, Change][],
  newer: readonly [string, Change][],
): [string, Change][] {
  const merged: [string, Change][] = []
  let at = 0
  for (const change of newer) {
    while (at < older.length && (older[at] as [string, Change])[0] < change[0])
      merged.push(older[at++] as [string, Change])
    if (older[at]?.[0] === change[0]) at++
    merged.push(change)
  }
  while (at < older.length) merged.push(older[at++] as [string, Change])
  return merged
}

/**
 * Chunks of at most `chunkPairs`; the iterator is closed at the end, also when the consumer stops early. `ahead`: the next
 * chunk is read while the consumer is busy with the one before, for somebody who wants them all.
 */
export async function* mergedView(
  changes: readonly [string, Change][],
  iterator: PairIterator,
  { chunkPairs, ahead }: { readonly chunkPairs: number; readonly ahead: boolean },
): AsyncGenerator<Pair[], void, undefined> {
  let at = 0
  let next: Promise<Pair[]> | undefined
  try {
    for (;;) {
      const records = await (next ?? iterator.nextv(chunkPairs))
      next = ahead && records.length > 0 ? iterator.nextv(chunkPairs) : undefined
      // Whoever stops early does not see it fail.
      next?.catch(() => undefined)
      const merged: Pair[] = []
      for (const record of records) {
        at = takeChanges(changes, at, record[0], merged)
        if (changes[at]?.[0] === record[0]) continue
        merged.push(record)
      }
      if (records.length === 0) takeChanges(changes, at, undefined, merged)
      for (let start = 0; start < merged.length; start += chunkPairs) yield merged.slice(start, start + chunkPairs)
      if (records.length === 0) return
    }
  } finally {
    await iterator.close()
  }
}

/** Moves the changes before `key` (undefined: all) into `merged`; returns where it stopped. */
function takeChanges(
  changes: readonly [string, Change][],
  start: number,
  key: string | undefined,
  merged: Pair[],
): number {
  let at = start
  for (; at < changes.length; at++) {
    const [changed, change] = changes[at] as [string, Change]
    if (key !== undefined && changed >= key) break
    if (change !== DELETED) merged.push([changed, change])
  }
  return at
}

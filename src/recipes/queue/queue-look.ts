/**
 * Which items nobody works on: found by reading the front of the queue and all claims, which are as many as there are
 * consumers at work; and, from then on, by watching.
 *
 * Always: what is free is told in the order of the queue, and nothing behind an item that is still free and was not told.
 */
import type { Revision } from '../../api/operations.js'
import type { Store, WatchEvent } from '../../api/store.js'
import { LIMITS } from '../../base/limits.js'
import type { QueueLayout } from './queue-layout.js'

/** An item that was seen to be free. */
export interface Candidate {
  readonly key: string
  readonly modRevision: Revision
}

/**
 * The first free ones, and the revision to watch from; none: nothing is free.
 *
 * Both are read at once, and so at two revisions, it may be. What was claimed or freed in between is tried in vain, or is
 * among what the watch tells, which begins behind the earlier one. (Not in one transaction, which would touch all items:
 * a range in it counts them, and a transaction may not touch more than LIMITS.transactionKeysMax.)
 */
export async function lookForFree(
  store: Store,
  layout: QueueLayout,
  signal: AbortSignal,
): Promise<{ readonly free: readonly Candidate[]; readonly revision: Revision }> {
  const [claims, items] = await Promise.all([
    store.range({ prefix: layout.claims }, { keysOnly: true, signal }),
    store.range({ prefix: layout.items }, { keysOnly: true, limit: LIMITS.queueLookItems, signal }),
  ])
  const claimed = new Set(claims.items.map(({ key }) => layout.placeOf(key)))
  const isFree = ({ key }: Candidate): boolean => !claimed.has(layout.placeOf(key))
  let free: readonly Candidate[] = items.items.filter(isFree)
  if (free.length === 0 && items.more) {
    // With one more than there are claims, one of them is free.
    const rest = layout.itemsBehind(items.items.at(-1)?.key ?? layout.items)
    free = (await store.range(rest, { keysOnly: true, limit: claimed.size + 1, signal })).items.filter(isFree)
  }
  return {
    free: free.map(({ key, modRevision }) => ({ key, modRevision })),
    revision: Math.min(claims.revision, items.revision),
  }
}

/**
 * Which items one revision made free: those that were put and not claimed with it, or whose claim ended and not they. Rejects with
 * `COMPACTED` where that revision is forgotten: then what is free is to be looked for again.
 */
export async function freedBy(
  store: Store,
  layout: QueueLayout,
  events: readonly WatchEvent[],
  signal: AbortSignal,
): Promise<readonly Candidate[]> {
  const placesOf = (type: WatchEvent['type'], items: boolean): Set<string> => {
    const some = events.filter((event) => event.type === type && layout.isItem(event.key) === items)
    return new Set(some.map(({ key }) => layout.placeOf(key)))
  }
  const [claimed, gone] = [placesOf('put', false), placesOf('delete', true)]
  const freed: Candidate[] = []
  for (const { type, key, keyValue, revision } of events) {
    const place = layout.placeOf(key)
    if (layout.isItem(key)) {
      if (type === 'put' && !claimed.has(place)) freed.push({ key, modRevision: keyValue.modRevision })
    } else if (type === 'delete' && !gone.has(place)) {
      const item = await itemAt(store, layout, place, revision, signal)
      if (item !== undefined) freed.push(item)
    }
  }
  return freed.sort((a, b) => (a.key < b.key ? -1 : 1))
}

async function itemAt(
  store: Store,
  layout: QueueLayout,
  place: string,
  revision: Revision,
  signal: AbortSignal,
): Promise<Candidate | undefined> {
  const { items } = await store.range(layout.itemsAt(place), { keysOnly: true, revision, signal })
  const [item] = items
  return item === undefined ? undefined : { key: item.key, modRevision: item.modRevision }
}

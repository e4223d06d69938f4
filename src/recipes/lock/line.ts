/**
 * The line of those who contend for a name: their keys, in the order of creation. Who is far enough in front holds; how far
 * that is the rule of the line says (obstacle.ts).
 *
 *     name/7f3           the one place of a session of its own: etcd's layout, so that its clients stand in the same line
 *     name/7f3-2         the second place that was taken in a session that others share
 *     name/7f3-2-read    with a mark that the rule of the line looks at
 *
 * Always: a key stands in the line while it hangs on the lease it is named after, and not otherwise. That every key under
 * `name/` does would be the obvious rule, and is etcd's: but then a mutex `users` waits for ever for a key `users/42`, and a
 * mutex `jobs` for the holders of a mutex `jobs/nightly`. The rule is the same for who waits (here), who holds
 * (hold.ts) and what the store compares, so that a key that somebody takes off its lease is lost to all of them at once.
 * Always: no two places have one key. Were the key of a shared session named after the lease alone, two who contend in it
 * would find "their" key in front, and both would hold.
 */
import type { KeyValue } from '../../api/key-value.js'
import { compare, type Compare, type Revision } from '../../api/operations.js'
import type { RangeOptions, Store } from '../../api/store.js'
import { NO_LEASE, type LeaseId } from '../../base/lease-id.js'
import { endedByItself } from '../ended-by-itself.js'
import { isForgotten } from '../failures.js'
import { prefixOf } from '../name.js'
import { Patience } from '../patience.js'

const SEPARATOR = '-'

/** What tells one place in the line from every other, also from a later one under the same key. */
export interface Standing {
  readonly key: string
  readonly lease: LeaseId
  readonly createRevision: Revision
}

export interface Line {
  /** The one who came first, first. */
  readonly contenders: readonly KeyValue[]
  /** The store's revision when it was read. */
  readonly revision: Revision
}

/** What a key says of its place besides the lease. */
export interface PlaceName {
  /** Tells the places of one session apart; undefined where the session has no other. */
  readonly number?: number | undefined
  /** Letters and digits, a letter first: what the rule of the line needs to know of a contender. */
  readonly mark?: string | undefined
}

export function keyInLine(name: string, lease: LeaseId, { number, mark }: PlaceName = {}): string {
  const parts = [lease.toString(16), number, mark].filter((part) => part !== undefined)
  return `${prefixOf(name)}${parts.join(SEPARATOR)}`
}

/** Whether the key of a contender ends with this mark. */
export function hasMark({ key }: KeyValue, mark: string): boolean {
  return key.endsWith(SEPARATOR + mark)
}

/** With values, since `keysOnly` leaves out the lease, too. */
export async function readLine(store: Store, name: string, options: RangeOptions): Promise<Line> {
  const { items, revision } = await store.range({ prefix: prefixOf(name) }, options)
  return { contenders: inLine(name, items), revision }
}

/** Those of the keys under the name that stand in the line, in its order. */
export function inLine(name: string, items: readonly KeyValue[]): readonly KeyValue[] {
  const contenders = items.filter(({ key, lease }) => lease !== undefined && isNamedAfter(name, key, lease))
  return contenders.sort((a, b) => a.createRevision - b.createRevision)
}

/** A key with a further slash belongs to a name below this one. */
function isNamedAfter(name: string, key: string, lease: LeaseId): boolean {
  const plain = keyInLine(name, lease)
  return key === plain || (key.startsWith(plain + SEPARATOR) && !key.includes('/', plain.length))
}

export function standingOf({ key, createRevision, lease = NO_LEASE }: KeyValue): Standing {
  return { key, createRevision, lease }
}

/** Holds in a transaction while the place is in the line. */
export function stands({ key, createRevision, lease }: Standing): Compare[] {
  return [compare(key).createRevision('=', createRevision), compare(key).lease('=', lease)]
}

/**
 * Resolves when a place that was in the line at `revision` has gone from it. Nothing is missed in between: the watch
 * starts with the next revision, however long ago that was. Rejects when `signal` aborts, or with the store's error.
 */
export async function untilGone(store: Store, place: Standing, revision: Revision, signal: AbortSignal): Promise<void> {
  let startRevision = revision + 1
  for (;;) {
    try {
      for await (const { type, keyValue } of store.watch(place.key, { startRevision, signal })) {
        if (type === 'delete' || (keyValue.lease ?? NO_LEASE) !== place.lease) return
      }
      return endedByItself(store, place.key, signal)
    } catch (error) {
      if (!isForgotten(error)) throw error
      // Whatever happened in the history that was forgotten, the key shows it: it has gone, or is another one.
      const now = await store.range(place.key, { signal })
      const [found] = now.items
      if (found?.createRevision !== place.createRevision || (found.lease ?? NO_LEASE) !== place.lease) return
      startRevision = now.revision + 1
    }
  }
}

/**
 * The same, for who holds: it watches on through what passes. Were the hold to end with it, a moment without a leader would end
 * what the lease outlives; as long as nobody watches, the lease is what ends it.
 */
export async function untilGoneForSure(
  store: Store,
  place: Standing,
  revision: Revision,
  signal: AbortSignal,
): Promise<void> {
  const patience = new Patience(store.environment, { signal })
  try {
    await patience.insist((call) => untilGone(store, place, revision, call))
  } finally {
    patience.end()
  }
}

/**
 * What a transaction has written so far: it lies over what the store has, for the transaction's own reads, and becomes the
 * operations of its commit.
 *
 * Always: of several writes of one key the last one counts, and no key is written twice by the operations: the store
 * refuses that. A deleted range in which keys were put afterwards is cut around them.
 */
import { KeyValue } from '../../api/key-value.js'
import { del, put, type Operation } from '../../api/operations.js'
import { copyBytes, keyBytes, type BytesLike, type Key } from '../../base/bytes.js'
import { NO_LEASE, type LeaseId } from '../../base/lease-id.js'
import { covers, isOneKey, selectionOf, without, type Interval } from './interval.js'

interface Written {
  readonly value: Uint8Array
  readonly lease: LeaseId
}

export class Overlay {
  readonly #puts = new Map<Key, Written>()
  readonly #deleted: Interval[] = []

  put(key: Key, value: BytesLike, lease: LeaseId = NO_LEASE): void {
    this.#puts.set(key, { value: copyBytes(value, 'value'), lease })
  }

  delete(interval: Interval): void {
    for (const key of this.#puts.keys()) if (covers(interval, key)) this.#puts.delete(key)
    this.#deleted.push(interval)
  }

  /** Whether the store need not be asked for the key. */
  hides(key: Key): boolean {
    return this.#puts.has(key) || this.#deleted.some((interval) => covers(interval, key))
  }

  /** What was put; undefined where nothing was. It has no revisions yet. */
  get(key: Key, keysOnly = false): KeyValue | undefined {
    const written = this.#puts.get(key)
    if (written === undefined) return undefined
    const value = keysOnly ? new Uint8Array() : written.value.slice()
    return new KeyValue({ key, value, createRevision: 0, modRevision: 0, version: 0, lease: written.lease })
  }

  keysIn(interval: Interval): Key[] {
    return [...this.#puts.keys()].filter((key) => covers(interval, key))
  }

  get isEmpty(): boolean {
    return this.#puts.size === 0 && this.#deleted.length === 0
  }

  /** The keys that are written by name, and not with a range. */
  keys(): Key[] {
    return [...this.#puts.keys(), ...this.#left().flatMap((interval) => (isOneKey(interval) ? [interval.from] : []))]
  }

  /** The ranges that are deleted. */
  ranges(): Interval[] {
    return this.#left().filter((interval) => !isOneKey(interval))
  }

  operations(): Operation[] {
    return [
      ...[...this.#puts].map(([key, { value, lease }]) =>
        put(keyBytes(key), value, lease === NO_LEASE ? {} : { lease }),
      ),
      ...this.#left().map((interval) => del(selectionOf(interval))),
    ]
  }

  #left(): Interval[] {
    return this.#deleted.flatMap((interval) => without(interval, this.#puts.keys()))
  }
}

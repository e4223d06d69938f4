/**
 * What a transaction reads: the store as it was at one revision, that of the first read; and what of it the commit must find
 * unchanged.
 *
 * Always: the first read is linearizable, and all others are made at its revision, however many are under way at once.
 * Always: of a range every key that was there is remembered as well as the range itself. That no key in the range is newer
 * than the snapshot says nothing of keys that were deleted since; and that the keys that were there are as they were says
 * nothing of new ones.
 */
import type { KeyValue } from '../../api/key-value.js'
import { get, type Revision } from '../../api/operations.js'
import type { RangeOptions, RangeResult, Store } from '../../api/store.js'
import { keyBytes, keyOf, type Key } from '../../base/bytes.js'
import type { Seen } from './commit-once.js'
import { covers, nextKey, selectionOf, type Interval } from './interval.js'
import type { Patience } from '../patience.js'
import { isForgotten } from '../failures.js'

/** Keys of a range, from its start on: all of them up to where `interval` ends. */
export interface Page {
  readonly items: readonly KeyValue[]
  readonly interval: Interval
}

export class Snapshot {
  readonly #store: Store
  readonly #patience: Patience
  readonly #found = new Map<Key, KeyValue | undefined>()
  readonly #seen = new Map<Key, Revision>()
  readonly #ranges: Interval[] = []
  /** The read that finds the revision, while it is under way. */
  #first: Promise<void> | undefined
  #revision: Revision | undefined
  #isForgotten = false

  constructor(store: Store, patience: Patience) {
    this.#store = store
    this.#patience = patience
  }

  /** Undefined: nothing was read yet. */
  get revision(): Revision | undefined {
    return this.#revision
  }

  /** Its history was compacted under it: what is still missing cannot be read any more. */
  get isForgotten(): boolean {
    return this.#isForgotten
  }

  get seen(): Seen[] {
    return [...this.#seen].map(([key, modRevision]) => ({ key, modRevision }))
  }

  get ranges(): readonly Interval[] {
    return this.#ranges
  }

  async get(key: Key): Promise<KeyValue | undefined> {
    if (this.#found.has(key)) return this.#found.get(key)
    const { items } = await this.#read({ from: key, to: nextKey(key) }, {})
    this.#found.set(key, items[0])
    this.#seen.set(key, items[0]?.modRevision ?? 0)
    return items[0]
  }

  async page(interval: Interval, options: { readonly limit?: number; readonly keysOnly?: boolean }): Promise<Page> {
    const { items, more } = await this.#read(interval, options)
    for (const { keyBytes: bytes, modRevision } of items) this.#seen.set(keyOf(bytes), modRevision)
    const last = items.at(-1)
    const read = more && last !== undefined ? { from: interval.from, to: nextKey(keyOf(last.keyBytes)) } : interval
    if (!this.#ranges.some(({ from, to }) => from === read.from && to === read.to)) this.#ranges.push(read)
    return { items, interval: read }
  }

  /** Looks at keys that nobody asked for, so that they are compared as well: in one call. */
  async look(keys: readonly Key[]): Promise<void> {
    const unseen = keys.filter((key) => !this.#seen.has(key) && !this.#ranges.some((range) => covers(range, key)))
    if (unseen.length === 0) return
    const options = { keysOnly: true, revision: this.#revision }
    const transaction = { success: unseen.map((key) => get(keyBytes(key), options)) }
    const { results, revision } = await this.#asked((signal) => this.#store.txn(transaction, { signal }))
    this.#revision ??= revision
    for (const [at, key] of unseen.entries()) {
      const result = results[at]
      this.#seen.set(key, (result?.type === 'range' ? result.items[0]?.modRevision : undefined) ?? 0)
    }
  }

  async #read(interval: Interval, options: RangeOptions): Promise<RangeResult> {
    for (;;) {
      if (this.#revision !== undefined) return this.#range(interval, { ...options, revision: this.#revision })
      if (this.#first === undefined) {
        const reading = this.#range(interval, options)
        // Of one that fails another one takes the place: the work may go on without what it could not read.
        this.#first = reading.then(
          ({ revision }) => void (this.#revision = revision),
          () => void (this.#first = undefined),
        )
        return reading
      }
      await this.#first
    }
  }

  #range(interval: Interval, options: RangeOptions): Promise<RangeResult> {
    return this.#asked((signal) => this.#store.range(selectionOf(interval), { ...options, signal }))
  }

  async #asked<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
    try {
      return await this.#patience.insist(call)
    } catch (error) {
      if (isForgotten(error)) this.#isForgotten = true
      throw error
    }
  }
}

/**
 * What a cached view shows at one revision: values in key order, and the keys whose values cannot be read.
 *
 * Always: contents that are shown never change. What comes next is made of a copy, which shares what stays the same, and
 * shown as a whole or not at all; so a transaction is never seen in part, and who iterates may take their time.
 */
import type { KeyValue } from '../../api/key-value.js'
import type { Revision } from '../../api/operations.js'
import { keyOf, keyText, type Key } from '../../base/bytes.js'
import { StoreError } from '../../base/errors.js'
import { OrderedMap } from '../../base/ordered-map.js'
import { notPromise } from '../synchronous.js'
import type { Difference } from './view-change.js'
import type { Decode } from './view-options.js'

/** What a view may hold, as stored: what becomes of the bytes in `decode` is not known here. */
export interface ViewBounds {
  readonly keysMax: number
  readonly bytesMax: number
}

/** A value that could not be read. */
export interface ViewFailure {
  readonly key: string
  /** Of the put that wrote it. */
  readonly revision: Revision
  /** What `decode` threw. */
  readonly error: unknown
}

interface Stored {
  readonly revision: Revision
  readonly bytes: number
}
type Entry<Value> = Stored &
  (
    | { readonly type: 'value'; readonly value: Value }
    | { readonly type: 'failure'; readonly value: undefined; readonly error: unknown }
  )

export class ViewContents<Value> {
  readonly #decode: Decode<Value>
  readonly #bounds: ViewBounds
  readonly #entries: OrderedMap<Entry<Value>>
  #bytes: number
  #failures: number

  constructor(decode: Decode<Value>, bounds: ViewBounds, copied?: ViewContents<Value>) {
    this.#decode = decode
    this.#bounds = bounds
    this.#entries = copied === undefined ? new OrderedMap() : copied.#entries.clone()
    this.#bytes = copied === undefined ? 0 : copied.#bytes
    this.#failures = copied === undefined ? 0 : copied.#failures
  }

  /** Keys that are shown. */
  get size(): number {
    return this.#entries.size - this.#failures
  }

  has(key: Key): boolean {
    return this.#entries.get(key)?.type === 'value'
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key)?.value
  }

  *entries(): Generator<[string, Value], undefined, undefined> {
    for (const [key, entry] of this.#all()) if (entry.type === 'value') yield [keyText(key), entry.value]
  }

  *failures(): Generator<ViewFailure, undefined, undefined> {
    if (this.#failures === 0) return
    for (const [key, entry] of this.#all()) {
      if (entry.type === 'failure') yield { key: keyText(key), revision: entry.revision, error: entry.error }
    }
  }

  /** Empty ones under the same rules. */
  empty(): ViewContents<Value> {
    return new ViewContents(this.#decode, this.#bounds)
  }

  clone(): ViewContents<Value> {
    return new ViewContents(this.#decode, this.#bounds, this)
  }

  /**
   * The change to what `known` shows; undefined when it has this version already, which is taken from there then. Throws
   * `VIEW_TOO_LARGE`.
   */
  put(keyValue: KeyValue, known: ViewContents<Value> = this): Difference<Value> | undefined {
    const key = keyOf(keyValue.keyBytes)
    const before = known.#entries.get(key)
    const { modRevision: revision } = keyValue
    const entry = before?.revision === revision ? before : this.#read(key, keyValue)
    this.#remove(key)
    this.#entries.set(key, entry)
    this.#bytes += entry.bytes
    if (entry.type === 'failure') this.#failures++
    this.#check()
    if (entry === before) return undefined
    const change = { key: keyText(key), previous: before?.value, revision }
    return {
      at: key,
      known: before !== undefined,
      bytes: entry.bytes,
      change:
        entry.type === 'value'
          ? { type: 'put', ...change, value: entry.value }
          : { type: 'unreadable', ...change, value: undefined, error: entry.error },
    }
  }

  /** Undefined when there was nothing under it. */
  delete(key: Key, revision: Revision): Difference<Value> | undefined {
    const removed = this.#remove(key)
    return removed && deletion(key, removed.value, revision)
  }

  /** What is here and not in `later`, which was listed at `revision`, as the changes that removed it. */
  missingIn(later: ViewContents<Value>, revision: Revision): Difference<Value>[] {
    const differences: Difference<Value>[] = []
    for (const [key, { value }] of this.#all()) {
      if (later.#entries.get(key) === undefined) differences.push(deletion(key, value, revision))
    }
    return differences
  }

  #read(key: Key, keyValue: KeyValue): Entry<Value> {
    const stored = { revision: keyValue.modRevision, bytes: key.length + keyValue.value.byteLength }
    try {
      return { type: 'value', ...stored, value: notPromise(this.#decode(keyValue), 'decode') }
    } catch (error) {
      return { type: 'failure', ...stored, value: undefined, error }
    }
  }

  #remove(key: Key): Entry<Value> | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    this.#bytes -= entry.bytes
    if (entry.type === 'failure') this.#failures--
    return entry
  }

  #check(): void {
    const { keysMax, bytesMax } = this.#bounds
    const { size } = this.#entries
    if (size <= keysMax && this.#bytes <= bytesMax) return
    const limit = size > keysMax ? `keysMax, ${keysMax} keys` : `bytesMax, ${bytesMax} bytes of keys and values`
    throw new StoreError(
      'VIEW_TOO_LARGE',
      `the selection holds more than ${limit}: select less, or raise it where the view is opened`,
    )
  }

  *#all(): Generator<readonly [Key, Entry<Value>], undefined, undefined> {
    let at = this.#entries.next('', true)
    for (; at !== undefined; at = this.#entries.next(at[0], false)) yield at
  }
}

function deletion<Value>(at: Key, previous: Value | undefined, revision: Revision): Difference<Value> {
  return {
    at,
    known: true,
    bytes: at.length,
    change: { type: 'delete', key: keyText(at), value: undefined, previous, revision },
  }
}

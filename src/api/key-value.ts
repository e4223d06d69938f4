/** What reading gives: one version of one key, and the helpers around keys that users call. */
import { keyBytes, keyText, keyOf, prefixEnd, FROM_KEY_ON, asBuffer, type BytesLike, type Key } from '../base/bytes.js'
import { NO_LEASE, type LeaseId } from '../base/lease-id.js'
import type { KeyValue as KeyValueRecord, Revision } from '../mvcc/types.js'
import { checkFields } from './check-fields.js'

/** One version of one key, as it was read. It does not change when the store does. */
export class KeyValue {
  readonly #record: KeyValueRecord

  /** @internal */
  constructor(record: KeyValueRecord) {
    this.#record = record
  }

  /** @internal The same version, its key by another name. */
  static renamed(keyValue: KeyValue, nameOf: (key: Key) => Key): KeyValue {
    const record = keyValue.#record
    return new KeyValue({ ...record, key: nameOf(record.key) })
  }

  /** The key as text (UTF-8). Use {@link keyBytes} for keys that are not text. */
  get key(): string {
    return keyText(this.#record.key)
  }

  get keyBytes(): Uint8Array {
    return keyBytes(this.#record.key)
  }

  /** The value. It is yours: nothing else holds these bytes. */
  get value(): Uint8Array {
    return this.#record.value
  }

  /** The value as text (UTF-8). */
  text(): string {
    return asBuffer(this.#record.value).toString('utf8')
  }

  /** The value parsed as JSON; throws SyntaxError if it is not JSON. The type is what you say it is: nothing checks it. */
  json<T>(): T {
    return JSON.parse(this.text()) as T
  }

  /** Revision of the put that created the key (again). */
  get createRevision(): Revision {
    return this.#record.createRevision
  }

  /** Revision of the put that wrote this version: what a compare-and-swap compares. */
  get modRevision(): Revision {
    return this.#record.modRevision
  }

  /** 1 when created, one more with every put since. */
  get version(): number {
    return this.#record.version
  }

  /** The lease whose end deletes the key; undefined without one. */
  get lease(): LeaseId | undefined {
    return this.#record.lease === NO_LEASE ? undefined : this.#record.lease
  }
}

/** One key, or a set of them. */
export type Selection =
  | BytesLike
  /** Every key that starts with it. */
  | { readonly prefix: BytesLike }
  /** From `from` (included) to `to` (excluded); without `to`, every key from `from` on. */
  | { readonly from: BytesLike; readonly to?: BytesLike }
  /** Every key. */
  | { readonly all: true }

/** Throws TypeError for what is no key, as a selection of several. */
export function checkOneKey(key: BytesLike): void {
  if (typeof key === 'string' || ArrayBuffer.isView(key)) return
  throw new TypeError('get() takes one key; use range() for several')
}

/** The internal form of a selection: etcd's key and range end. */
export interface KeyRange {
  readonly key: Key
  readonly rangeEnd: Key | undefined
}

/** Throws TypeError for anything that is not a selection. */
export function rangeOf(selection: Selection): KeyRange {
  if (typeof selection === 'string' || ArrayBuffer.isView(selection))
    return { key: keyOf(selection), rangeEnd: undefined }
  if (typeof selection === 'object' && selection !== null) {
    checkFields(selection, fieldsOf(selection), 'a selection')
    if ('prefix' in selection) {
      const prefix = keyOf(selection.prefix, 'prefix')
      return prefix === '' ? EVERYTHING : { key: prefix, rangeEnd: prefixEnd(prefix) }
    }
    if ('from' in selection) {
      // There is no key before the one of one zero byte: to start at nothing is to start there.
      const key = keyOf(selection.from, 'from') || LEAST_KEY
      if (selection.to === undefined) return { key, rangeEnd: FROM_KEY_ON }
      // Nothing lies before the least key; taken as it stands it would mean "without end".
      const to = keyOf(selection.to, 'to')
      return to <= LEAST_KEY ? NOTHING : { key, rangeEnd: to }
    }
    if ('all' in selection && (selection.all as unknown) === true) return EVERYTHING
  }
  throw new TypeError('a key (a string or a Uint8Array), { prefix }, { from, to } or { all: true } was expected')
}

const PREFIX = { prefix: true } as const
const INTERVAL = { from: true, to: true } as const
const ALL = { all: true } as const
const ANY = { ...PREFIX, ...INTERVAL, ...ALL }

/** One kind of selection excludes the others: of two, one would be ignored. */
function fieldsOf(selection: object): Readonly<Record<string, true>> {
  if ('prefix' in selection) return PREFIX
  if ('from' in selection) return INTERVAL
  return 'all' in selection ? ALL : ANY
}

const LEAST_KEY: Key = '\0'
/** Any range that ends where it starts, but not at the least key: that would be everything. */
const NOTHING: KeyRange = { key: '\x01', rangeEnd: '\x01' }

const EVERYTHING: KeyRange = { key: FROM_KEY_ON, rangeEnd: FROM_KEY_ON }

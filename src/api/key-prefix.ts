/**
 * The prefix of a namespace: every key in what is asked and answered, from the one side to the other.
 *
 * Always: what comes out for the store lies under the prefix, whatever went in. A range without an end gets the end of the
 * prefix: left as it is, `{ from }` and `{ all: true }` would go on into what lies behind it.
 * Always: the key that is the prefix itself lies outside. Inside it would have no name.
 * Always: a made operation is taken apart and made anew. It is frozen, and may stand in other transactions, too.
 *
 *     store         namespace 'app/'
 *     app           —
 *     app/          —
 *     app/a         a
 *     app0          —
 */
import { AssertionError, assertNever } from '../base/assert.js'
import { FROM_KEY_ON, keyBytes, keyOf, keyText, prefixEnd, type BytesLike, type Key } from '../base/bytes.js'
import { isStoreError, StoreError, type ErrorCode } from '../base/errors.js'
import { NO_LEASE } from '../base/lease-id.js'
import { LIMITS } from '../base/limits.js'
import { quoteKey } from '../base/quote.js'
import { KeyValue, rangeOf, type KeyRange, type Selection } from './key-value.js'
import { LeaseKey } from './lease-key.js'
import { made } from './made.js'
import { transactionRequest, type Compare, type Operation, type Transaction } from './operations.js'
import type { OperationResult } from './transaction-result.js'
import type { WatchBatch, WatchEvent } from './watch.js'

/** Errors whose message has keys in quotes, and nothing else: a user may have a name that begins like a key. */
const NAMING_KEYS: readonly ErrorCode[] = [
  ...(['KEY_NOT_FOUND', 'VALUE_PROVIDED', 'LEASE_PROVIDED'] as const),
  ...(['DUPLICATE_KEY', 'PREFIX_QUOTA_EXCEEDED'] as const),
]

export class KeyPrefix {
  readonly #prefix: Key
  /** The first key behind it, or FROM_KEY_ON. */
  readonly #end: Key

  private constructor(prefix: Key) {
    this.#prefix = prefix
    this.#end = prefixEnd(prefix)
  }

  /** Throws TypeError for what is no prefix, RangeError where no key would fit behind it. */
  static of(prefix: BytesLike, outer = ''): KeyPrefix {
    const key = keyOf(prefix, 'prefix')
    if (key === '') throw new TypeError('the prefix of a namespace must not be empty: that would be the whole store')
    const bytes = outer.length + key.length
    if (bytes >= LIMITS.keyBytesMax) {
      throw new RangeError(
        `the prefix of a namespace has ${bytes} bytes; keys, with it, have at most ${LIMITS.keyBytesMax}`,
      )
    }
    return new KeyPrefix(outer + key)
  }

  /** Of a namespace inside this one. */
  and(prefix: BytesLike): KeyPrefix {
    return KeyPrefix.of(prefix, this.#prefix)
  }

  get bytes(): number {
    return this.#prefix.length
  }

  // To the store

  /** Throws `EMPTY_KEY`, `REQUEST_TOO_LARGE`. */
  key(key: BytesLike): Uint8Array {
    return keyBytes(this.#outside(keyOf(key)))
  }

  /** A prefix may be empty: then it is that of the namespace. */
  prefix(prefix: BytesLike): Uint8Array {
    return keyBytes(this.#prefix + keyOf(prefix, 'prefix'))
  }

  selection(selection: Selection): Selection {
    const { key, rangeEnd } = this.#range(rangeOf(selection))
    if (rangeEnd === undefined) return keyBytes(key)
    const from = keyBytes(key)
    return rangeEnd === FROM_KEY_ON ? { from } : { from, to: keyBytes(rangeEnd) }
  }

  transaction(transaction: Transaction): Transaction {
    return this.#operation(transactionRequest(transaction), 0)
  }

  // From the store

  keyValue(keyValue: KeyValue): KeyValue
  keyValue(keyValue: KeyValue | undefined): KeyValue | undefined
  keyValue(keyValue: KeyValue | undefined): KeyValue | undefined {
    return keyValue && KeyValue.renamed(keyValue, (key) => this.#inside(key))
  }

  keyValues(keyValues: readonly KeyValue[]): KeyValue[] {
    return keyValues.map((each) => this.keyValue(each))
  }

  /** Those that lie under the prefix. */
  leaseKeys(keys: readonly LeaseKey[]): LeaseKey[] {
    return keys
      .map((each) => keyOf(each.keyBytes))
      .filter((key) => this.#holds(key))
      .map((key) => new LeaseKey(this.#inside(key)))
  }

  /** Undefined where the prefix does not start with that of the namespace. */
  prefixInside(prefix: Uint8Array): Uint8Array | undefined {
    const key = keyOf(prefix)
    return key.startsWith(this.#prefix) ? keyBytes(key.slice(this.#prefix.length)) : undefined
  }

  result(result: OperationResult): OperationResult {
    switch (result.type) {
      case 'put':
        return { ...result, previous: this.keyValue(result.previous) }
      case 'range':
        return { ...result, items: this.keyValues(result.items) }
      case 'delete':
        return { ...result, previous: this.keyValues(result.previous) }
      case 'transaction':
        return { ...result, results: result.results.map((each) => this.result(each)) }
      default:
        return assertNever(result, 'result')
    }
  }

  event(event: WatchEvent): WatchEvent {
    const previous = this.keyValue(event.previous)
    const key = this.#inside(keyOf(event.keyValue.keyBytes))
    if (event.type === 'put') return { ...event, key: keyText(key), keyValue: this.keyValue(event.keyValue), previous }
    const { modRevision } = event.keyValue
    const nothing = { value: new Uint8Array(0), createRevision: 0, version: 0, lease: NO_LEASE }
    return { ...event, key: keyText(key), keyValue: new KeyValue({ key, modRevision, ...nothing }), previous }
  }

  batch(batch: WatchBatch): WatchBatch {
    return batch.type === 'events' ? { ...batch, events: batch.events.map((event) => this.event(event)) } : batch
  }

  /** The same error; a key that it names is named as it is inside. */
  error(error: unknown): unknown {
    if (!isStoreError(error) || !NAMING_KEYS.includes(error.code)) return error
    const { code, message, outcome, cause } = error
    // Up to the quote at its end: what a key that lies under the prefix begins with.
    const named = quoteKey(this.#prefix).slice(0, -1)
    return new StoreError(code, message.replaceAll(named, "'"), { outcome, cause })
  }

  #operation<One extends Operation>(operation: One, depth: number): One
  #operation(operation: Operation, depth: number): Operation {
    switch (operation.type) {
      case 'put':
        return made({ ...operation, key: this.#outside(operation.key) })
      case 'range':
      case 'delete':
        return made({ ...operation, ...this.#range(operation) })
      case 'transaction': {
        // Said by the store, too; but whoever nests without end shall not end our stack.
        if (depth > LIMITS.transactionDepthMax) {
          const most = LIMITS.transactionDepthMax
          throw new StoreError('TOO_MANY_OPERATIONS', `Transactions stand deeper than ${most} inside each other.`)
        }
        const branch = (operations: readonly Operation[]): Operation[] =>
          operations.map((each) => this.#operation(each, depth + 1))
        const { compare, success, failure } = operation
        return made({
          ...operation,
          compare: compare.map((each): Compare => made({ ...each, ...this.#range(each) })),
          success: branch(success),
          failure: branch(failure),
        })
      }
      default:
        return assertNever(operation, 'operation')
    }
  }

  #range({ key, rangeEnd }: Partial<KeyRange> & Pick<KeyRange, 'key'>): KeyRange {
    if (rangeEnd === undefined) return { key: this.#outside(key), rangeEnd }
    return { key: this.#prefix + key, rangeEnd: rangeEnd === FROM_KEY_ON ? this.#end : this.#prefix + rangeEnd }
  }

  #outside(key: Key): Key {
    if (key === '') throw new StoreError('EMPTY_KEY', 'The key is empty; a key has at least one byte.')
    const whole = this.#prefix + key
    if (whole.length <= LIMITS.keyBytesMax) return whole
    throw new StoreError(
      'REQUEST_TOO_LARGE',
      `The key has ${whole.length} bytes, ${this.bytes} of them those of its namespace; at most ${LIMITS.keyBytesMax} are allowed.`,
    )
  }

  #inside(key: Key): Key {
    if (this.#holds(key)) return key.slice(this.#prefix.length)
    throw new AssertionError(`a namespace was answered with ${quoteKey(key)}, which lies outside of it`)
  }

  #holds(key: Key): boolean {
    return key.length > this.#prefix.length && key.startsWith(this.#prefix)
  }
}

/**
 * A number that many add to, each addition exactly once.
 *
 * `name/value` holds it, as text, so that `etcdctl get` shows it; `name/by` the id of the addition that wrote it last. The
 * two are written together: history tells whose a change was (commit-once.ts), where the answer to it was lost.
 *
 * Always: nothing is added to a counter that is not there: it is made first, as 0. "Add if it is missing" may come late,
 * after somebody removed the counter, and would be counted twice; a late 0 is what a missing counter counts as anyway.
 */
import { checkFields, kind } from '../../api/check-fields.js'
import { CALL_FIELDS } from '../../api/check-call.js'
import type { KeyValue } from '../../api/key-value.js'
import { compare, put } from '../../api/operations.js'
import type { CallOptions, Store } from '../../api/store.js'
import { StoreError } from '../../base/errors.js'
import { quote } from '../../base/quote.js'
import { checkStore } from '../check-store.js'
import { Patience, type WaitOptions } from '../patience.js'
import { runUntilDone } from './stm.js'
import type { StmTransaction } from './stm-transaction.js'
import { checkName, prefixOf } from '../name.js'

/**
 * A whole number under a name. It is 0 until something is added.
 *
 * @example
 * await new Counter(store, 'visits').add()
 * const invoice = await new Counter(store, 'invoices').add() // ids: 1, 2, 3, each given once
 */
export class Counter {
  readonly #store: Store
  readonly #key: string
  readonly #mark: string

  constructor(store: Store, name: string) {
    checkStore(store)
    checkName(name)
    this.#store = store
    this.#key = `${prefixOf(name)}value`
    this.#mark = `${prefixOf(name)}by`
  }

  /**
   * Adds `delta`, which may be negative; resolves with the number as it was right after that: no two additions of 1 get the
   * same one. It is added exactly once, whatever becomes of the answers, for as long as the call may take.
   *
   * Rejects with `ABORTED` or `TIMEOUT` when it was given up, with `NOT_A_COUNTER` or `COUNTER_OVERFLOW`, and with what the
   * store rejects with. Where `outcome` is `unknown` it was added, or may be later, or not; else it was not.
   */
  async add(delta = 1, options: WaitOptions = {}): Promise<number> {
    checkFields(options, CALL_FIELDS, 'add()')
    if (typeof delta !== 'number') throw new TypeError(`a counter takes a number, not ${kind(delta)}`)
    if (!Number.isSafeInteger(delta)) throw new RangeError(`a counter takes a whole number, not ${delta}`)
    const patience = new Patience(this.#store.environment, options)
    try {
      for (;;) {
        const added = await this.#addToExisting(delta, patience)
        if (added !== undefined) return added
        await patience.insist((signal) => this.#make(signal))
      }
    } finally {
      patience.end()
    }
  }

  /** The number as it is now, linearizable. Rejects with `NOT_A_COUNTER`, and with what the store rejects with. */
  async value(options: CallOptions = {}): Promise<number> {
    checkFields(options, CALL_FIELDS, 'value()')
    const found = await this.#store.get(this.#key, options)
    return found === undefined ? 0 : numberOf(found)
  }

  /** Undefined: it is not there. */
  #addToExisting(delta: number, patience: Patience): Promise<number | undefined> {
    const work = async (transaction: StmTransaction): Promise<number | undefined> => {
      const found = await transaction.get(this.#key)
      if (found === undefined) return undefined
      const next = numberOf(found) + delta
      if (!Number.isSafeInteger(next)) {
        throw new StoreError('COUNTER_OVERFLOW', `${quote(this.#key)} holds ${found.text()}: ${delta} is too much`)
      }
      transaction.put(this.#key, String(next))
      return next
    }
    return runUntilDone(this.#store, work, { mark: this.#mark, tries: Infinity }, patience)
  }

  async #make(signal: AbortSignal): Promise<void> {
    const missing = compare(this.#key).missing()
    await this.#store.txn({ compare: [missing], success: [put(this.#key, '0')] }, { signal })
  }
}

/** @internal Throws `NOT_A_COUNTER`. */
export function numberOf(found: KeyValue): number {
  const text = found.text()
  const number = Number(text)
  if (/^-?\d+$/.test(text) && Number.isSafeInteger(number)) return number
  throw new StoreError('NOT_A_COUNTER', `${quote(found.key)} holds ${quote(text)}, which is no whole number`)
}

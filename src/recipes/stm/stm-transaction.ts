/** What the work of `stm()` is given: reads from a snapshot, writes that are kept until the work is done. */
import { checkBoolean } from '../../api/check-boolean.js'
import { checkFields, type Fields } from '../../api/check-fields.js'
import type { KeyValue, Selection } from '../../api/key-value.js'
import { keyOf, type BytesLike } from '../../base/bytes.js'
import { checkLeaseId, type LeaseId } from '../../base/lease-id.js'
import { intervalOf, nextKey, type Interval } from './interval.js'
import type { Overlay } from './stm-overlay.js'
import type { Snapshot } from './stm-snapshot.js'

export interface StmRangeOptions {
  /** At most so many keys, the first ones. Keys behind them may change without a conflict. Default: all. */
  readonly limit?: number | undefined
  /** Leave the values out. Default false. */
  readonly keysOnly?: boolean | undefined
}

export interface StmPutOptions {
  /** The key is deleted when this lease ends. Default: none, and an earlier one is detached. */
  readonly lease?: LeaseId | undefined
}

const RANGE_FIELDS: Fields<StmRangeOptions> = { limit: true, keysOnly: true }
const PUT_FIELDS: Fields<StmPutOptions> = { lease: true }

/** One run of the work of `stm()`. It can be used until the work has ended; then its methods throw `TypeError`. */
export class StmTransaction {
  readonly #snapshot: Snapshot
  readonly #overlay: Overlay
  #hasEnded = false

  /** @internal */
  constructor(snapshot: Snapshot, overlay: Overlay) {
    this.#snapshot = snapshot
    this.#overlay = overlay
  }

  /**
   * One key, as this transaction has written it, or else as it was in the snapshot; undefined when it does not exist. What
   * the transaction itself has put has no revisions yet: they are 0.
   */
  async get(key: BytesLike): Promise<KeyValue | undefined> {
    this.#check()
    const name = keyOf(key)
    const found = this.#overlay.hides(name) ? this.#overlay.get(name) : await this.#snapshot.get(name)
    this.#check()
    return found
  }

  /** The keys of a selection in their order, likewise. */
  async range(selection: Selection, options: StmRangeOptions = {}): Promise<readonly KeyValue[]> {
    this.#check()
    checkFields(options, RANGE_FIELDS, 'range() of a transaction')
    const { limit = Infinity } = options
    if (typeof limit !== 'number') throw new TypeError(`limit must be a number, not ${typeof limit}`)
    if (!(limit >= 1) || (limit !== Infinity && !Number.isSafeInteger(limit))) {
      throw new RangeError(`limit must be a whole number from 1 on, not ${limit}`)
    }
    const items = await this.#visible(intervalOf(selection), limit, checkBoolean(options.keysOnly, 'keysOnly') === true)
    this.#check()
    return items.slice(0, limit)
  }

  put(key: BytesLike, value: BytesLike, options: StmPutOptions = {}): void {
    this.#check()
    checkFields(options, PUT_FIELDS, 'put() of a transaction')
    const { lease } = options
    this.#overlay.put(keyOf(key), value, lease === undefined ? undefined : checkLeaseId(lease))
  }

  delete(selection: Selection): void {
    this.#check()
    this.#overlay.delete(intervalOf(selection))
  }

  /** @internal */
  end(): void {
    this.#hasEnded = true
  }

  /** At least `limit` of them if there are so many: pages are read until enough is left of what was deleted meanwhile. */
  async #visible(interval: Interval, limit: number, keysOnly: boolean): Promise<KeyValue[]> {
    let visible: KeyValue[] = []
    let rest: Interval | undefined = interval
    while (rest !== undefined && visible.length < limit) {
      const left: Interval = rest
      const page = await this.#snapshot.page(left, limit === Infinity ? { keysOnly } : { keysOnly, limit })
      const stored = page.items.filter(({ keyBytes }) => !this.#overlay.hides(keyOf(keyBytes)))
      const own = this.#overlay.keysIn(page.interval).map((key) => this.#overlay.get(key, keysOnly))
      const written = own.filter((item) => item !== undefined)
      visible = visible.concat(written.length === 0 ? stored : [...stored, ...written].sort(byKey))
      rest = page.interval.to === left.to ? undefined : { from: page.interval.to ?? nextKey(left.from), to: left.to }
    }
    return visible
  }

  #check(): void {
    if (this.#hasEnded) {
      throw new TypeError('this transaction has ended: what is done with it must be awaited before the work returns')
    }
  }
}

function byKey(a: KeyValue, b: KeyValue): number {
  return Buffer.compare(a.keyBytes, b.keyBytes)
}

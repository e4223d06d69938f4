/**
 * Completes the plan of a range: the key index says at once which records answer it; their bytes come from disk without
 * holding up the loop.
 *
 * Always: the answer is the state at one revision, the one at which the plan was made. A record that a compaction
 * removed between plan and read means that the plan is made again, which then answers or says `COMPACTED`.
 */
import { StoreError } from '../base/errors.js'
import { decodeRecord, recordKey } from '../mvcc/record.js'
import type { MvccStore, RangePlan } from '../mvcc/store.js'
import type { KeyValue, RangeRequest, RevisionId } from '../mvcc/types.js'
import type { StateStore } from '../storage/state-store.js'

export interface Ranged {
  readonly keyValues: readonly KeyValue[]
  readonly count: number
  readonly more: boolean
  readonly revision: number
}

/** Plans made again after a compaction; a second one in a row already needs two compactions within one read. */
const PLANS_MAX = 8

export class Ranges {
  readonly #store: MvccStore
  readonly #state: StateStore

  constructor(store: MvccStore, state: StateStore) {
    this.#store = store
    this.#state = state
  }

  async range(request: RangeRequest): Promise<Ranged> {
    for (let plans = 0; plans < PLANS_MAX; plans++) {
      const plan = this.#store.planRange(request)
      const keyValues = await this.#complete(plan, request.keysOnly === true)
      if (keyValues !== undefined) {
        return { keyValues, count: plan.count, more: plan.more, revision: plan.revision }
      }
    }
    throw new StoreError('DATA_DAMAGED', 'records named by the key index are missing on disk; restart to verify the data directory')
  }

  /** The key-value of one record; undefined where it is gone. */
  async record(id: RevisionId): Promise<KeyValue | undefined> {
    const [bytes] = await this.#state.getMany([recordKey(id)])
    if (bytes === undefined) return undefined
    const record = decodeRecord(bytes)
    return record.type === 'put' ? record.keyValue : undefined
  }

  async #complete(plan: RangePlan, keysOnly: boolean): Promise<KeyValue[] | undefined> {
    if (plan.records.length === 0) return []
    const found = await this.#state.getMany(plan.records.map(recordKey))
    const keyValues: KeyValue[] = []
    for (const bytes of found) {
      if (bytes === undefined) return undefined
      const record = decodeRecord(bytes)
      if (record.type !== 'put') throw new StoreError('DATA_DAMAGED', 'a live key is recorded as deleted')
      keyValues.push(keysOnly ? { ...record.keyValue, value: NO_VALUE } : record.keyValue)
    }
    return keyValues
  }
}

const NO_VALUE = new Uint8Array(0)

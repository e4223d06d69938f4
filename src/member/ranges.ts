/**
 * Completes the plan of a range: the key index says at once which records answer it; their bytes come from disk without
 * holding up the loop. Where the index knows the whole answer (`countOnly`, and `keysOnly` of the latest revision), the
 * disk is not asked.
 *
 * Always: the answer is the state at one revision, the one at which the plan was made. A record that a compaction
 * removed between plan and read means that the plan is made again, which then answers or says `COMPACTED`.
 */
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { decodeRecord, recordKey } from '../mvcc/record.js'
import { keyOnly } from '../mvcc/range.js'
import type { MvccStore, RangePlan } from '../mvcc/store.js'
import type { KeyValue, RangeRequest } from '../mvcc/types.js'
import type { StateStore } from '../storage/state-store.js'
import type { CallLimits, Deadlines, Pending } from './deadlines.js'

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
  readonly #deadlines: Deadlines
  readonly #waiting = new Set<Pending<Ranged>>()

  constructor(store: MvccStore, state: StateStore, deadlines: Deadlines) {
    this.#store = store
    this.#state = state
    this.#deadlines = deadlines
  }

  /** Ends at the deadline also where the disk hangs. */
  range(request: RangeRequest, limits: CallLimits): Promise<Ranged> {
    if (this.#waiting.size >= LIMITS.pendingReadsMax) {
      throw new StoreError(
        'TOO_MANY_REQUESTS',
        `${this.#waiting.size} reads wait for the disk of this member, the limit`,
      )
    }
    const pending = this.#deadlines.wait<Ranged>(limits, (code, cause) => {
      const why = code === 'TIMEOUT' ? 'The disk did not answer before the deadline.' : 'The read was aborted.'
      return new StoreError(code, why, { cause })
    })
    if (pending.settled) return pending.promise
    this.#waiting.add(pending)
    this.#read(request).then(
      (ranged) => pending.resolve(ranged),
      (error: Error) => pending.reject(error),
    )
    const leave = (): void => {
      this.#waiting.delete(pending)
    }
    pending.promise.then(leave, leave)
    return pending.promise
  }

  rejectAll(code: 'CLOSED' | 'MEMBER_FAILED', why: string, cause?: unknown): void {
    for (const pending of this.#waiting) pending.reject(new StoreError(code, why, { cause }))
    this.#waiting.clear()
  }

  async #read(request: RangeRequest): Promise<Ranged> {
    for (let plans = 0; plans < PLANS_MAX; plans++) {
      const plan = this.#store.planRange(request)
      const keyValues = await this.#complete(plan, request.keysOnly === true)
      if (keyValues !== undefined) {
        return { keyValues, count: plan.count, more: plan.more, revision: plan.revision }
      }
    }
    throw new StoreError(
      'DATA_DAMAGED',
      'records named by the key index are missing on disk; restart to verify the data directory',
    )
  }

  async #complete(plan: RangePlan, keysOnly: boolean): Promise<readonly KeyValue[] | undefined> {
    if (plan.known !== undefined) return plan.known
    if (plan.records.length === 0) return NO_KEY_VALUES
    const found = await this.#state.getMany(plan.records.map(recordKey))
    const keyValues: KeyValue[] = []
    for (const bytes of found) {
      if (bytes === undefined) return undefined
      const record = decodeRecord(bytes)
      if (record.type !== 'put') throw new StoreError('DATA_DAMAGED', 'a live key is recorded as deleted')
      keyValues.push(keysOnly ? keyOnly(record.keyValue) : record.keyValue)
    }
    return keyValues
  }
}

const NO_KEY_VALUES: readonly KeyValue[] = Object.freeze([])

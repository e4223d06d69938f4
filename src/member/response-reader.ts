/**
 * Completes the response to a write that was applied: the machine names the records (mvcc/plan.ts), and the one member
 * where somebody waits for them reads them, each once however many operations name it.
 *
 * Always: the reading starts in the turn in which the write was applied, before the next entry is: so no compaction can
 * come between the plan and the hold on the sweep that keeps its records (record-reader.ts).
 */
import { assert } from '../base/assert.js'
import { isStoreError, StoreError, type ErrorCode } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { PlainResponse, Response } from '../machine/outcome.js'
import { answerBytes, keyAnswerBytes, keyOnly } from '../mvcc/answer.js'
import { completePlan, recordsOf, replaceRanges, visitPlans } from '../mvcc/plan.js'
import { recordKey } from '../mvcc/record.js'
import type {
  DeleteResponse,
  KeyValue,
  OperationPlan,
  PutResponse,
  RangePlan,
  Revision,
  RevisionId,
  TransactionResponse,
} from '../mvcc/types.js'
import type { Pending } from './deadlines.js'
import type { RecordReader } from './record-reader.js'

/** A response as its caller gets it: with what the records hold. Values are views that others may share. */
export type CompleteResponse = PutResponse | DeleteResponse | TransactionResponse | PlainResponse

type Plan = Exclude<Response, PlainResponse>

/** A record and how often the response shows it: whole, and without its value. */
interface Named {
  readonly id: RevisionId
  whole: number
  keysOnly: number
}

export class ResponseReader {
  readonly #reader: RecordReader

  constructor(reader: RecordReader) {
    this.#reader = reader
  }

  /**
   * Settles `pending` with what `settle` makes of the complete response: at once where nothing is to be read. Fails with
   * the outcome `unknown`: the write was done.
   */
  answer<T>(
    response: Response,
    revision: Revision,
    pending: Pending<T>,
    settle: (complete: CompleteResponse) => T,
  ): void {
    if (!isPlan(response)) {
      pending.resolve(settle(response))
      return
    }
    const open = rangesToChoose(response)
    if (open.length === 0) {
      this.#read(response, revision, pending, settle)
      return
    }
    this.#choose(response, open, pending).then(
      (chosen) => {
        if (chosen) this.#read(chosen, revision, pending, settle)
      },
      (error: unknown) => {
        pending.reject(unanswered(revision, error))
      },
    )
  }

  /** What is kept for one range is there while the next one is read: all together they have the bytes of one answer. */
  async #choose<T>(response: Plan, open: readonly RangePlan[], pending: Pending<T>): Promise<Plan | undefined> {
    const chosen = new Map<RangePlan, RangePlan>()
    let bytes = 0
    for (const range of open) {
      const plan = await this.#reader.choose(range, bytes, pending)
      if (plan === undefined) return undefined
      chosen.set(range, plan)
      bytes += knownBytes(plan)
    }
    return replaceRanges(response, (range) => chosen.get(range) ?? range)
  }

  #read<T>(response: Plan, revision: Revision, pending: Pending<T>, settle: (complete: CompleteResponse) => T): void {
    const { named, bytes } = survey(response)
    if (named.size === 0 && bytes === 0) {
      pending.resolve(settle(complete(response, NOTHING_READ)))
      return
    }
    const wanted = [...named.values()]
    const read = new Map<string, KeyValue>()
    const take = (keyValue: KeyValue, at: number): number => {
      const { id, whole, keysOnly } = wanted[at] as Named
      read.set(recordKey(id), whole > 0 ? keyValue : keyOnly(keyValue))
      return whole * answerBytes(keyValue) + keysOnly * keyAnswerBytes(keyValue.key.length)
    }
    this.#reader.read({ records: wanted.map(({ id }) => id), bytes, take }, pending).then(
      (done) => {
        if (done) pending.resolve(settle(complete(response, read)))
      },
      (error: unknown) => {
        pending.reject(unanswered(revision, error))
      },
    )
  }
}

/** What a caller is told whose write was done at `revision` and whose answer did not come. */
export function doneButUnanswered(code: ErrorCode, revision: Revision, why: string, cause: unknown): StoreError {
  const message = `The write was done, at revision ${revision}, but ${why}.`
  return new StoreError(code, message, { outcome: 'unknown', cause })
}

function isPlan(response: Response): response is Plan {
  return response.type === 'put' || response.type === 'delete' || response.type === 'transaction'
}

function rangesToChoose(plan: OperationPlan): readonly RangePlan[] {
  const open: RangePlan[] = []
  visitPlans(plan, (single) => {
    if (single.type === 'range' && single.choice !== undefined) open.push(single)
  })
  return open
}

function knownBytes({ known = [] }: RangePlan): number {
  return known.reduce((sum, keyValue) => sum + answerBytes(keyValue), 0)
}

/** The records that a response names, each once, and the bytes of what it knows without them. */
function survey(plan: OperationPlan): { readonly named: ReadonlyMap<string, Named>; readonly bytes: number } {
  const named = new Map<string, Named>()
  let bytes = 0
  visitPlans(plan, (single) => {
    const keysOnly = single.type === 'range' && single.keysOnly
    if (single.type === 'range') bytes += knownBytes(single)
    for (const id of recordsOf(single)) {
      const key = recordKey(id)
      const before = named.get(key) ?? { id, whole: 0, keysOnly: 0 }
      if (keysOnly) before.keysOnly++
      else before.whole++
      named.set(key, before)
    }
  })
  return { named, bytes }
}

function complete(plan: Plan, read: ReadonlyMap<string, KeyValue>): CompleteResponse {
  const response = completePlan(plan, (id) => {
    const keyValue = read.get(recordKey(id))
    assert(keyValue !== undefined, () => `the record of revision ${id.main}.${id.sub} was not read`)
    return keyValue
  })
  assert(response.type !== 'range', 'a range is no write')
  return response
}

function unanswered(revision: Revision, cause: unknown): Error {
  if (!isStoreError(cause)) return cause as Error
  if (cause.code !== 'RESPONSE_TOO_LARGE') {
    return doneButUnanswered(cause.code, revision, `its answer could not be read: ${cause.message}`, cause)
  }
  const why = `its answer has more than ${LIMITS.responseBytesMax} bytes: read in parts, with \`limit\`, what it was to show`
  return doneButUnanswered('RESPONSE_TOO_LARGE', revision, why, undefined)
}

const NOTHING_READ: ReadonlyMap<string, KeyValue> = new Map()

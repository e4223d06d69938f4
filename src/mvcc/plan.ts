/**
 * From the plan of a response to the response: the records that it names are put in their places.
 *
 * Writing and planning know the index only (write.ts, range.ts), so that what is applied on every member, and again at
 * each replay, costs the same however large the values are that somebody asked to see. Whoever answers reads the records:
 * a member with asynchronous reads, `MvccStore.complete` at once.
 */
import { assertNever } from '../base/assert.js'
import { NO_LEASE } from '../base/lease-id.js'
import type { KeyValue, OperationPlan, OperationResponse, RevisionId } from './types.js'

/** `recordOf` gives what a named record holds; it is asked as often as the record is named. */
export function completePlan(plan: OperationPlan, recordOf: (id: RevisionId) => KeyValue): OperationResponse {
  switch (plan.type) {
    case 'range': {
      const read = plan.known ?? plan.records.map(recordOf)
      const keyValues = plan.keysOnly ? read.map(keyOnly) : read
      return { type: 'range', keyValues, count: plan.count, more: plan.more }
    }
    case 'put':
      return { type: 'put', previous: plan.previous && recordOf(plan.previous) }
    case 'delete':
      return { type: 'delete', deleted: plan.deleted, previous: plan.previous.map(recordOf) }
    case 'transaction': {
      const responses = plan.responses.map((response) => completePlan(response, recordOf))
      return { type: 'transaction', succeeded: plan.succeeded, responses }
    }
    default:
      return assertNever(plan, 'plan')
  }
}

/** Visits every plan but those of transactions, whose parts are visited instead. */
export function visitPlans(plan: OperationPlan, visit: (plan: SinglePlan) => void): void {
  if (plan.type !== 'transaction') visit(plan)
  else for (const response of plan.responses) visitPlans(response, visit)
}

export type SinglePlan = Exclude<OperationPlan, { type: 'transaction' }>

/** The records that one plan names, in the order of its answer. */
export function recordsOf(plan: SinglePlan): readonly RevisionId[] {
  switch (plan.type) {
    case 'range':
      return plan.records
    case 'put':
      return plan.previous === undefined ? NO_RECORDS : [plan.previous]
    case 'delete':
      return plan.previous
    default:
      return assertNever(plan, 'plan')
  }
}

/** What `keysOnly` shows of a version: neither value nor lease, as etcd since 3.7, which does not read the record for it. */
export function keyOnly(keyValue: KeyValue): KeyValue {
  return { ...keyValue, value: NO_VALUE, lease: NO_LEASE }
}

/** What a version counts for towards `responseBytesMax`. */
export function answerBytes(keyValue: KeyValue): number {
  return keyAnswerBytes(keyValue.key.length) + keyValue.value.byteLength
}

/** The same without its value. */
export function keyAnswerBytes(keyLength: number): number {
  return NUMBERS_BYTES + keyLength
}

export const NO_VALUE = new Uint8Array(0)

/** Three revisions and counts, a lease, a length, of eight bytes each. */
const NUMBERS_BYTES = 40
const NO_RECORDS: readonly RevisionId[] = Object.freeze([])

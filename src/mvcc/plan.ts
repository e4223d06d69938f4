/**
 * From the plan of a response to the response: the records that it names are put in their places.
 *
 * Writing and planning know the index only (write.ts, range.ts), so that what is applied on every member, and again at
 * each replay, costs the same however large the values are that somebody asked to see. Whoever answers reads the records:
 * a member with asynchronous reads, `MvccStore.complete` at once.
 */
import { assertNever } from '../base/assert.js'
import { keyOnly } from './answer.js'
import { Choosing } from './choosing.js'
import type { KeyValue, OperationPlan, OperationResponse, RangePlan, RevisionId } from './types.js'

/** `recordOf` gives what a named record holds; it is asked as often as the record is named. */
export function completePlan(plan: OperationPlan, recordOf: (id: RevisionId) => KeyValue): OperationResponse {
  switch (plan.type) {
    case 'range': {
      if (plan.choice !== undefined) return completePlan(chooseAtOnce(plan, recordOf), recordOf)
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

function chooseAtOnce(plan: RangePlan, recordOf: (id: RevisionId) => KeyValue): RangePlan {
  const choosing = new Choosing(plan)
  if (plan.known) for (const known of plan.known) choosing.take(known)
  else for (const id of plan.records) choosing.take(recordOf(id))
  return choosing.finish()
}

/** The plan with another one in place of each of its ranges. */
export function replaceRanges<P extends OperationPlan>(plan: P, replacement: (range: RangePlan) => RangePlan): P
export function replaceRanges(plan: OperationPlan, replacement: (range: RangePlan) => RangePlan): OperationPlan {
  if (plan.type === 'range') return replacement(plan)
  if (plan.type !== 'transaction') return plan
  return { ...plan, responses: plan.responses.map((response) => replaceRanges(response, replacement)) }
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

const NO_RECORDS: readonly RevisionId[] = Object.freeze([])

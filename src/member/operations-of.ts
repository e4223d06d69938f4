/** What a command came to, counted: the puts, deletes and ranges of a transaction with those of the ones inside. */
import type { Operations } from '../base/telemetry.js'
import type { Applied, Response } from '../machine/outcome.js'
import type { OperationPlan } from '../mvcc/types.js'

type Counts = { -readonly [Name in keyof Operations]: Operations[Name] }

const NOTHING: Operations = { puts: 0, deletes: 0, ranges: 0, putBytes: 0 }

export function operationsOf({ outcome, events }: Applied): Operations {
  if (outcome?.ok !== true || !isOfKeys(outcome.response)) return NOTHING
  const counts: Counts = { puts: 0, deletes: 0, ranges: 0, putBytes: 0 }
  add(counts, outcome.response)
  for (const { type, keyValue } of events) {
    if (type === 'put') counts.putBytes += keyValue.key.length + keyValue.value.byteLength
  }
  return counts
}

function isOfKeys(response: Response): response is Exclude<OperationPlan, { type: 'range' }> {
  return response.type === 'put' || response.type === 'delete' || response.type === 'transaction'
}

function add(counts: Counts, plan: OperationPlan): void {
  switch (plan.type) {
    case 'put':
      counts.puts++
      return
    case 'delete':
      counts.deletes++
      return
    case 'range':
      counts.ranges++
      return
    case 'transaction':
      for (const inside of plan.responses) add(counts, inside)
      return
  }
}

/** The verdict: what was acknowledged against what the members have. */
import type { StoreStatus } from 'quorate'
import type { Ledger } from './ledger.js'
import type { Written } from './messages.js'
import { count } from './narrator.js'

export interface Finding {
  readonly good: boolean
  readonly text: string
}

/** `histories` and `statuses`: of each member, taken when nothing was written any more. */
export function judge(
  ledger: Ledger,
  histories: readonly (readonly Written[])[],
  statuses: readonly StoreStatus[],
): Finding[] {
  const [history = []] = histories
  return [...judgeWrites(ledger, history), judgeCounter(ledger, history), ...judgeMembers(histories, statuses)]
}

function judgeWrites(ledger: Ledger, history: readonly Written[]): Finding[] {
  const faults = ledger.faultsOf(history.map((written) => ({ ...written, value: valueOf(written) })))
  const acknowledged = count(ledger.count('acknowledged'))
  const unknown = ledger.count('unknown')
  return [
    {
      good: faults.length === 0,
      text: `${acknowledged} writes were acknowledged. Each is in history exactly once, where it was said to be.`,
    },
    ...faults.map((text) => ({ good: false, text })),
    {
      good: true,
      text:
        unknown === 0
          ? 'No write was left without an answer.'
          : `${count(unknown)} had no answer when their process was killed, or gave up. Each is there once or not at all.`,
    },
  ]
}

function judgeCounter(ledger: Ledger, history: readonly Written[]): Finding {
  const counters = history.filter(({ key }) => key === 'counter').map(({ value }) => Number.parseInt(value, 10))
  const counter = counters.at(-1) ?? 0
  const acknowledged = ledger.count('acknowledged', 'increment')
  const unknown = ledger.count('unknown', 'increment')
  const steps = counters.every((value, at) => value === at + 1)
  const how = steps ? 'in steps of one' : 'not in steps of one'
  return {
    good: steps && acknowledged <= counter && counter <= acknowledged + unknown,
    text: `The counter went from 0 to ${count(counter)}, ${how}: ${count(acknowledged)} increments acknowledged, ${unknown} unknown.`,
  }
}

function judgeMembers(histories: readonly (readonly Written[])[], statuses: readonly StoreStatus[]): Finding[] {
  const sameHistory = new Set(histories.map((history) => JSON.stringify(history))).size === 1
  const states = statuses.map(({ name, revision, digest }) => `${name} revision ${revision} digest ${digest}`)
  const [status] = statuses
  const sameState = statuses.every(({ revision, digest }) => {
    return revision === status?.revision && digest === status.digest
  })
  const names = statuses.map(({ name }) => name).join(', ')
  return [
    {
      good: sameHistory,
      text: sameHistory ? `${names} have the same history, put by put.` : `${names} do not have the same history.`,
    },
    {
      good: sameState,
      text: sameState
        ? `${names} are in the same state: revision ${count(status?.revision ?? 0)}, digest ${status?.digest}.`
        : `The states differ: ${states.join('; ')}.`,
    },
  ]
}

/** Increments have the number that the counter came to in front. */
function valueOf({ key, value }: Written): string {
  return key === 'counter' ? value.replace(/^\d+ /, '') : value
}

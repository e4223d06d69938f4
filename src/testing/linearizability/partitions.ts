/**
 * The search, over the partitions of a history in turn.
 *
 * A partition may take any time to search, and the next one may show in a moment that the history is illegal. So each gets
 * a few steps, and those that are not done get twice as many in the next round.
 */
import type { Budget } from './budget.js'
import { linearizationOf, listOf } from './linearization.js'
import { describeCall, describeState, type Model } from './model.js'
import { Search } from './search.js'
import type { Step } from './timeline.js'
import type { IllegalVerdict, Verdict } from './verdict.js'

const FIRST_ROUND_STEPS = 1000

interface Partition<State, Input, Output> {
  readonly key: string | undefined
  readonly steps: readonly Step<Input, Output>[]
  /** Undefined once it is done: its memory goes. */
  search: Search<State, Input, Output> | undefined
  /** Of one that is done. */
  order: readonly number[] | undefined
}

export function checkBySearch<State, Input, Output>(
  steps: readonly Step<Input, Output>[],
  model: Model<State, Input, Output>,
  budget: Budget,
): Verdict {
  const partitions = partitionsOf(steps, model)
  let stepsDone = 0
  let open: readonly Partition<State, Input, Output>[] = partitions
  for (let round = FIRST_ROUND_STEPS; open.length > 0; round *= 2) {
    let bytes = 0
    for (const partition of open) {
      const search = (partition.search ??= new Search(partition.steps, model, partition.key))
      const before = search.stepsDone
      const result = search.run(Math.min(round, budget.stepsMax - stepsDone))
      stepsDone += search.stepsDone - before
      bytes += search.bytes
      if (result === 'illegal') return illegal(partition, search, model, stepsDone)
      if (result === 'ok') {
        partition.order = [...search.order]
        partition.search = undefined
      }
      const left = partitions.filter(({ order }) => order === undefined).length
      if (stepsDone >= budget.stepsMax && left > 0) {
        return unknown(stepsDone, `the budget of ${budget.stepsMax} steps is used up`, 'stepsMax', left, partitions)
      }
      if (bytes > budget.memoryBytesMax) {
        const what = `the search remembers ${bytes} bytes, more than ${budget.memoryBytesMax}`
        return unknown(stepsDone, what, 'memoryBytesMax', left, partitions)
      }
    }
    open = open.filter(({ order }) => order === undefined)
  }
  const linearizations = partitions.map(({ key, steps, order }) => linearizationOf(key, steps, order ?? [], model, []))
  return { verdict: 'ok', engine: 'search', steps: stepsDone, linearizations }
}

function partitionsOf<State, Input, Output>(
  steps: readonly Step<Input, Output>[],
  model: Model<State, Input, Output>,
): Partition<State, Input, Output>[] {
  if (model.key === undefined) return [{ key: undefined, steps, search: undefined, order: undefined }]
  const byKey = new Map<string, Step<Input, Output>[]>()
  for (const step of steps) {
    const key = model.key(step.input)
    const found = byKey.get(key)
    if (found === undefined) byKey.set(key, [step])
    else found.push(step)
  }
  return [...byKey].map(([key, steps]) => ({ key, steps, search: undefined, order: undefined }))
}

function illegal<State, Input, Output>(
  { key, steps }: Partition<State, Input, Output>,
  { deadEnd, states }: Search<State, Input, Output>,
  model: Model<State, Input, Output>,
  stepsDone: number,
): IllegalVerdict {
  const step = steps[deadEnd?.step ?? 0] as Step<Input, Output>
  const possible = (deadEnd?.states ?? []).map((state) => describeState(model, states.of(state)))
  const call = step.call
  const text = describeCall(model, step.input, step.output)
  const where = key === undefined ? '' : ` (key ${JSON.stringify(key)})`
  const explanation =
    `call ${call?.index ?? '?'} of client ${call?.client ?? '?'}${where} is impossible: ${text}. ` +
    `In every order of the calls before it that explains their answers, the state by then is ${listOf(possible)}, ` +
    'and none of the calls that were under way beside it leads to one that allows this answer.'
  const linearizations = [linearizationOf(key, steps, deadEnd?.order ?? [], model, possible)] as const
  return { verdict: 'illegal', engine: 'search', steps: stepsDone, call, explanation, linearizations }
}

function unknown(
  steps: number,
  what: string,
  option: keyof Budget,
  left: number,
  partitions: readonly unknown[],
): Verdict {
  const explanation =
    `${what} with ${left} of ${partitions.length} partitions undecided after ${steps} steps: ` +
    `raise ${option}, or check a shorter history`
  return { verdict: 'unknown', engine: 'search', steps, explanation, linearizations: [] }
}

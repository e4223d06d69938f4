/**
 * The calls of a history as a checker takes them: who may come before whom, and what is known of each.
 *
 * Refused calls are left out, since they did nothing. Calls of which nobody knows never return. Stale reads may be as old
 * as the history. What the model says may happen by itself is a call of nobody's that never returns.
 */
import { isAnswered, type Call } from './call.js'
import { UNKNOWN, type Model } from './model.js'

export interface Step<Input = unknown, Output = unknown> {
  /** Undefined for what happened by itself. */
  readonly call: Call<Input, Output> | undefined
  readonly input: Input
  readonly output: Output | typeof UNKNOWN
  /** It takes effect after this moment. */
  readonly from: number
  /** And before this one; Infinity for what may take effect at any time or never. */
  readonly to: number
}

/** In the order of `from`. */
export function timelineOf<State, Input, Output>(
  calls: readonly Call<Input, Output>[],
  model: Model<State, Input, Output>,
): Step<Input, Output>[] {
  const steps: Step<Input, Output>[] = []
  for (const call of calls) {
    if (call.outcome === 'refused') continue
    const { input } = call
    checkShape(call, model)
    const from = model.stale?.(input) === true ? BEFORE_ALL : call.invoked
    if (isAnswered(call)) steps.push({ call, input, output: call.output as Output, from, to: call.returned })
    else steps.push({ call, input, output: UNKNOWN, from, to: Infinity })
  }
  for (const { after, input } of model.spontaneous?.(calls) ?? []) {
    steps.push({ call: undefined, input, output: UNKNOWN, from: after, to: Infinity })
  }
  return steps.sort((left, right) => left.from - right.from)
}

/** The model says what is wrong, and this at which call. */
function checkShape<State, Input, Output>(call: Call<Input, Output>, model: Model<State, Input, Output>): void {
  try {
    model.checkShape?.(call.input, isAnswered(call) ? (call.output as Output) : UNKNOWN)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new TypeError(`call ${call.index} of ${call.client}: ${error.message}`, { cause: error })
  }
}

const BEFORE_ALL = -1

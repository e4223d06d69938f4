/** An order of calls as a verdict shows it. */
import { describeCall, describeState, UNKNOWN, type Model } from './model.js'
import type { Step } from './timeline.js'
import type { Linearization } from './verdict.js'

/** States and words are made when somebody asks for them. */
export function linearizationOf<State, Input, Output>(
  key: string | undefined,
  steps: readonly Step<Input, Output>[],
  order: readonly number[],
  model: Model<State, Input, Output>,
  possibleStates: readonly string[],
): Linearization {
  return {
    partition: key,
    length: order.length,
    possibleStates,
    calls: () => steps.flatMap(({ call }) => call ?? []).sort((left, right) => left.index - right.index),
    describe: ({ input, outcome, output }) =>
      describeCall(model, input as Input, outcome === 'ok' ? (output as Output) : UNKNOWN),
    replay: () => {
      let state = model.init(key)
      return order.map((at) => {
        const { call, input, output } = steps[at] as Step<Input, Output>
        state = model.step(state, input, output) ?? state
        return { call, text: describeCall(model, input, output), state: describeState(model, state) }
      })
    },
  }
}

/** One or the other of these texts, each cut where it is long. */
export function listOf(texts: readonly string[]): string {
  const short = texts.map((text) => (text.length <= TEXT_LENGTH_MAX ? text : `${text.slice(0, TEXT_LENGTH_MAX)}...`))
  if (short.length <= 1) return short[0] ?? 'none'
  return `${short.slice(0, -1).join(', ')} or ${short[short.length - 1]}`
}

const TEXT_LENGTH_MAX = 120

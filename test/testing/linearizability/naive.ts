/** The checker that needs no thought: every order, one after the other. For a handful of calls. */
import type { Call } from '../../../src/testing/linearizability/call.js'
import { UNKNOWN, type Model } from '../../../src/testing/linearizability/model.js'

export function naivelyLegal<State, Input, Output>(
  calls: readonly Call<Input, Output>[],
  model: Model<State, Input, Output>,
): boolean {
  interface Placeable {
    readonly input: Input
    readonly output: Output | typeof UNKNOWN
    readonly from: number
    readonly to: number
  }
  const everything: readonly Placeable[] = [
    ...calls
      .filter(({ outcome }) => outcome !== 'refused')
      .map(({ input, output, outcome, invoked, returned }) => ({
        input,
        output: (outcome === 'ok' ? output : UNKNOWN) as Output | typeof UNKNOWN,
        from: model.stale?.(input) === true ? -1 : invoked,
        to: outcome === 'ok' ? returned : Infinity,
      })),
    ...[...(model.spontaneous?.(calls) ?? [])].map(({ after, input }): Placeable => ({
      input,
      output: UNKNOWN,
      from: after,
      to: Infinity,
    })),
  ]
  const extend = (state: State, left: readonly Placeable[]): boolean => {
    if (left.every(({ output }) => output === UNKNOWN)) return true
    return left.some((next) => {
      if (left.some((other) => other !== next && other.to < next.from)) return false
      const after = model.step(state, next.input, next.output)
      return (
        after !== undefined &&
        extend(
          after,
          left.filter((other) => other !== next),
        )
      )
    })
  }
  return extend(model.init(), everything)
}

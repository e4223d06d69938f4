/**
 * The checker that needs no thought: every order, one after the other. For a handful of calls. With an oracle, every order
 * whose changes are those that the oracle knows of, all of them.
 */
import type { Call } from '../../../src/testing/linearizability/call.js'
import type { Model, Oracle, UNKNOWN } from '../../../src/testing/linearizability/model.js'

export function naivelyLegal<State, Input, Output>(
  calls: readonly Call<Input, Output>[],
  model: Model<State, Input, Output>,
  unknown: typeof UNKNOWN,
  oracle?: Oracle<State, Input>,
): boolean {
  const position = (state: State): number => model.witness?.position(state) ?? 0
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
        output: (outcome === 'ok' ? output : unknown) as Output | typeof UNKNOWN,
        from: model.stale?.(input) === true ? -1 : invoked,
        to: outcome === 'ok' ? returned : Infinity,
      })),
    ...[...(model.spontaneous?.(calls) ?? [])].map(({ after, input }): Placeable => ({
      input,
      output: unknown,
      from: after,
      to: Infinity,
    })),
  ]
  const extend = (state: State, left: readonly Placeable[]): boolean => {
    const complete = oracle === undefined || position(state) >= oracle.position
    if (complete && left.every(({ output }) => output === unknown)) return true
    return left.some((next) => {
      if (left.some((other) => other !== next && other.to < next.from)) return false
      const after = model.step(state, next.input, next.output)
      return (
        after !== undefined &&
        (oracle === undefined || position(after) === position(state) || oracle.agrees(after)) &&
        extend(
          after,
          left.filter((other) => other !== next),
        )
      )
    })
  }
  return extend(model.init(), everything)
}

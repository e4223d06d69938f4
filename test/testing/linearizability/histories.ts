/** Histories for the tests: written by hand, or drawn. */
import { History } from '../../../src/testing/linearizability/history.js'
import type { Call, Ending } from '../../../src/testing/linearizability/call.js'

/** One call of a drawn history: it takes effect at a moment between its call and its return. */
export interface Drawn<Input, Output> {
  readonly client: string
  readonly input: Input
  readonly ending: Ending<Output> | { readonly outcome: 'pending' }
  readonly invoked: number
  readonly returned: number
}

export function historyOf<Input, Output>(drawn: readonly Drawn<Input, Output>[]): History<Input, Output> {
  const history = new History<Input, Output>()
  const calls = new Map<Drawn<Input, Output>, Call<Input, Output>>()
  const moments = drawn.flatMap((each) => [
    { at: each.invoked, each, begins: true },
    { at: each.returned, each, begins: false },
  ])
  moments.sort((left, right) => left.at - right.at)
  for (const { each, begins } of moments) {
    if (begins) calls.set(each, history.invoke(each.client, each.input))
    else if (each.ending.outcome !== 'pending') history.end(calls.get(each) as Call<Input, Output>, each.ending)
  }
  return history
}

/** Calls one after the other, each done when the next begins. */
export function sequential<Input, Output>(
  ...pairs: readonly (readonly [input: Input, output: Output])[]
): History<Input, Output> {
  const history = new History<Input, Output>()
  for (const [input, output] of pairs) history.end(history.invoke('a', input), { outcome: 'ok', output })
  return history
}

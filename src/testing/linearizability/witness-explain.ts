/** Why a history is impossible in the order that its answers tell, in words. */
import { assertNever } from '../../base/assert.js'
import type { Call } from './call.js'
import { describeCall, describeState, type Model, type Oracle } from './model.js'
import type { Contradiction, Placement } from './placement.js'
import type { Step } from './timeline.js'

/** Where the engine could not go on. */
export interface Stuck<State> {
  /**
   * `answer`: the model gives another answer. `order`: another call had to be placed before, and could not be. `oracle`:
   * another change was made. `gap`: no call makes the next change. `end`: no change is missing, and a call is still to be
   * placed.
   */
  readonly why: 'answer' | 'order' | 'oracle' | 'gap' | 'end'
  readonly step: number | undefined
  readonly blockedBy: number | undefined
  readonly position: number
  readonly state: State
  readonly order: readonly number[]
}

export interface Explained {
  readonly call: Call | undefined
  readonly explanation: string
  readonly states: readonly string[]
}

export function explainContradiction<State, Input, Output>(
  steps: readonly Step<Input, Output>[],
  model: Model<State, Input, Output>,
  { positions }: Placement,
  { step, with: other, kind }: Contradiction,
): string {
  const call = nameOf(steps, model, step)
  const before = nameOf(steps, model, other)
  switch (kind) {
    case 'same-change':
      return `${call} says it made the change to ${positions[step]}, which is what ${before} says, too`
    case 'backwards':
      return `${call} took effect at ${positions[step]} by its answer, though ${before} had returned before it was called and was at ${positions[other]}`
    default:
      return assertNever(kind, 'contradiction')
  }
}

export function explainStuck<State, Input, Output>(
  steps: readonly Step<Input, Output>[],
  model: Model<State, Input, Output>,
  stuck: Stuck<State> | undefined,
  oracle: Oracle<State, Input> | undefined,
): Explained {
  if (stuck === undefined) return { call: undefined, explanation: 'nothing was tried', states: [] }
  const { why, step, blockedBy, position, state } = stuck
  const states = [describeState(model, state)]
  const next = position + 1
  const truth = oracle?.describe?.(next)
  const culprit = blockedBy ?? step
  const call = culprit === undefined ? undefined : steps[culprit]?.call
  const name = nameOf(steps, model, culprit)
  const input = culprit === undefined ? undefined : (steps[culprit] as Step<Input, Output>).input
  const instead = input === undefined ? undefined : model.explain?.(state, input)
  const answer =
    instead === undefined ? `the state was ${describeState(model, state)}` : `the answer would be ${instead}`
  switch (why) {
    case 'answer':
      return { call, states, explanation: `${name} is impossible after the change to ${position}: ${answer}` }
    case 'order': {
      const later = nameOf(steps, model, step)
      return {
        call,
        states,
        explanation: `${name} fits nowhere before ${later}, which was called after it had returned; at the last place, after the change to ${position}, ${answer}`,
      }
    }
    case 'oracle':
      return {
        call,
        states,
        explanation: `${name} says it made the change to ${next}, but that was: ${truth ?? 'another'}`,
      }
    case 'end': {
      const last = `at the last place, after the change to ${position}, ${answer}`
      return { call, states, explanation: `${name} fits nowhere; ${last}` }
    }
    case 'gap': {
      const change = truth === undefined ? '' : ` (${truth})`
      const rest = step === undefined ? '' : `; the next known is ${name}`
      return {
        call: truth === undefined ? call : undefined,
        states,
        explanation: `no call of the history made the change to ${next}${change}${rest}`,
      }
    }
    default:
      return assertNever(why, 'reason')
  }
}

function nameOf<State, Input, Output>(
  steps: readonly Step<Input, Output>[],
  model: Model<State, Input, Output>,
  at: number | undefined,
): string {
  const step = at === undefined ? undefined : steps[at]
  if (step === undefined) return 'the end of the history'
  const text = describeCall(model, step.input, step.output)
  return step.call === undefined ? text : `call ${step.call.index} of client ${step.call.client}, ${text},`
}

/**
 * Judges a history: could a thing that does one call after the other have given all these answers, each at some moment
 * between its call and its return?
 */
import { checkFields, kind, type Fields } from '../../api/check-fields.js'
import type { Budget } from './budget.js'
import type { Call } from './call.js'
import type { History } from './history.js'
import type { Model, Oracle } from './model.js'
import { checkBySearch } from './partitions.js'
import { timelineOf } from './timeline.js'
import type { Verdict } from './verdict.js'
import { checkByWitness } from './witness.js'

export interface CheckOptions<State = unknown, Input = unknown> {
  /**
   * `witness`: in the order that the answers tell by themselves, near linear in the number of calls. `search`: every order
   * that time allows. Default `auto`: the first where the model knows how, else the second.
   */
  readonly engine?: 'auto' | 'witness' | 'search' | undefined
  /** Steps of the model before it gives up. Default 50 million. */
  readonly stepsMax?: number | undefined
  /**
   * Bytes for the memory of where it has been, before it gives up. Default 400 MiB. The states themselves are not counted,
   * whose size only the model knows: `stepsMax` bounds them, since a step makes one state at most.
   */
  readonly memoryBytesMax?: number | undefined
  /** For `witness`: what is known of the changes from elsewhere, a watch from the first revision on for example. */
  readonly oracle?: Oracle<State, Input> | undefined
}

const FIELDS: Fields<CheckOptions> = { engine: true, stepsMax: true, memoryBytesMax: true, oracle: true }

const STEPS_MAX = 50_000_000
const MEMORY_BYTES_MAX = 400 * 1024 * 1024

/**
 * Never throws for what the history says, in the shape that the model takes. Throws RangeError for options that are none,
 * TypeError for `witness` with a model that has none, and for calls of another shape.
 *
 * @example
 * const verdict = check(history, registerModel)
 * if (verdict.verdict === 'illegal') {
 *   writeFileSync('history.html', historyPage(history, verdict))
 *   throw new Error(verdict.explanation)
 * }
 */
export function check<State, Input, Output>(
  history: Pick<History<Input, Output>, 'calls'>,
  model: Model<State, Input, Output>,
  options: CheckOptions<State, Input> = {},
): Verdict {
  checkArguments(history, model, options)
  const { engine = 'auto', stepsMax = STEPS_MAX, memoryBytesMax = MEMORY_BYTES_MAX, oracle } = options
  checkPositive(stepsMax, 'stepsMax')
  checkPositive(memoryBytesMax, 'memoryBytesMax')
  const budget: Budget = { stepsMax, memoryBytesMax }
  const calls: readonly Call<Input, Output>[] = history.calls
  const steps = timelineOf(calls, model)
  switch (engine) {
    case 'search':
      return checkBySearch(steps, model, budget)
    case 'witness':
      return checkByWitness(steps, model, budget, oracle, calls)
    case 'auto':
      if (model.witness === undefined) return checkBySearch(steps, model, budget)
      return checkByWitness(steps, model, budget, oracle, calls)
    default:
      throw new RangeError(`engine must be 'auto', 'witness' or 'search', not ${String(engine satisfies never)}`)
  }
}

function checkArguments(history: unknown, model: unknown, options: unknown): void {
  const { calls } = (history ?? {}) as { readonly calls?: unknown }
  if (!Array.isArray(calls)) throw new TypeError(`check() takes a History first, not ${kind(history)}`)
  const { init, step } = (model ?? {}) as { readonly init?: unknown; readonly step?: unknown }
  if (typeof init !== 'function' || typeof step !== 'function') {
    throw new TypeError(`check() takes a model second, with init() and step(), as registerModel, not ${kind(model)}`)
  }
  checkFields(options, FIELDS, 'check()')
}

function checkPositive(value: number, name: string): void {
  if (typeof value !== 'number' || !(value > 0)) throw new RangeError(`${name} must be a number above 0, not ${value}`)
}

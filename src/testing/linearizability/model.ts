/**
 * What a checker must know of the thing that was called: how it would behave if it did one call after the other.
 *
 * Always: states are values. `step` gives a new one and leaves the old one as it is, since the search goes back to it.
 */
import type { Call } from './call.js'

/** In place of the output of a call of which nobody knows what became. */
export const UNKNOWN: unique symbol = Symbol('unknown')

/**
 * @example A counter that can be raised and read:
 *
 * const counter: Model<number, 'raise' | 'read', number> = {
 *   name: 'counter',
 *   init: () => 0,
 *   step: (state, input, output) => {
 *     if (input === 'raise') return state + 1
 *     return output === UNKNOWN || output === state ? state : undefined
 *   },
 *   describe: (input, output) => (output === UNKNOWN ? `${input} → ?` : `${input} → ${output}`),
 * }
 * const { verdict } = check(history, counter)
 */
export interface Model<State, Input = unknown, Output = unknown> {
  readonly name: string
  /** The state before the first call; of the partition `key`, if there are partitions. */
  init(key?: string): State
  /**
   * The state after this call, or undefined where it cannot have had this output. With {@link UNKNOWN} for an output: the
   * state after it if it takes effect now; the same state, or undefined, where that would have no effect.
   */
  step(state: State, input: Input, output: Output | typeof UNKNOWN): State | undefined
  /** Calls with different keys have nothing to do with each other: each key is checked by itself, which is much faster. */
  key?(input: Input): string
  /** Whether two states behave alike for ever. Default: they are the same value. Needed where states are objects. */
  equal?(left: State, right: State): boolean
  /** A number from 0 to 2^32 - 1, the same for equal states. Default: drawn from strings and numbers, else 0, which is slow. */
  hash?(state: State): number
  /** Throws TypeError for a call of another shape than the model takes, saying which. Default: every call is taken. */
  checkShape?(input: Input, output: Output | typeof UNKNOWN): void
  /** A call for people. Default: as JSON. */
  describe?(input: Input, output: Output | typeof UNKNOWN): string
  describeState?(state: State): string
  /** What the call would have been answered in this state: for people. */
  explain?(state: State, input: Input): string
  /**
   * A call that may be answered from the past: it is right if it was right at any time before its answer, calls that had
   * ended long before included. Default: none is.
   */
  stale?(input: Input): boolean
  /**
   * What may happen without anybody having asked, as inputs: each at most once, at any time after the call it is
   * listed with. Default: nothing does.
   */
  spontaneous?(calls: readonly Call<Input, Output>[]): Iterable<{ readonly after: number; readonly input: Input }>
  /** How answers tell in which order the calls took effect, if they do. */
  readonly witness?: Witness<State, Input, Output>
}

/**
 * For things that number their changes, as a store numbers them by revisions: then the order need not be searched for.
 *
 * Always: a change raises the position of the state by exactly one.
 */
export interface Witness<State, Input, Output> {
  position(state: State): number
  /**
   * Where the answer puts the call: a change made the state at this position, anything else was done at it. Undefined: the
   * answer does not say.
   */
  place(input: Input, output: Output): Place | undefined
  /** Whether it may change the state and leave its position as it is. Default: nothing does. */
  quiet?(input: Input): boolean
  /**
   * Whether the answer follows from the changes made before it, by whomever, and from nothing else. Then an oracle settles
   * whether it is right. Default: not.
   */
  settled?(input: Input): boolean
  /**
   * What the answers alone tell of changes that nobody was told of: whether this call may have made the change at
   * `position`. Only to look at fewer; default: any may.
   */
  hints?(calls: readonly Call<Input, Output>[]): (input: Input, position: number) => boolean
}

export interface Place {
  readonly position: number
  readonly change: boolean
}

/** What is known from elsewhere of the changes that were made, whoever asked for them. */
export interface Oracle<State, Input = unknown> {
  /** Of the first change that it knows. Default: it knows all of them. */
  readonly from?: number
  /** Of the last change. */
  readonly position: number
  /** Whether the change that led to this state is the one that was really made at its position. */
  agrees(state: State): boolean
  /** Whether this call may have made the change at `position`. Only to look at fewer. */
  allows?(input: Input, position: number): boolean
  /**
   * The positions of which only this call, or another one that claims them too, can have made the change: as a value that
   * was written says who wrote it. Who alone claims a position is not tried anywhere else. Only to look at fewer.
   */
  claims?(input: Input): Iterable<number>
  /** What was really made there, for people. */
  describe?(position: number): string
}

export function describeCall<State, Input, Output>(
  model: Model<State, Input, Output>,
  input: Input,
  output: Output | typeof UNKNOWN,
): string {
  if (model.describe !== undefined) return model.describe(input, output)
  return `${toText(input)} → ${output === UNKNOWN ? '?' : toText(output)}`
}

export function describeState<State, Input, Output>(model: Model<State, Input, Output>, state: State): string {
  return model.describeState === undefined ? toText(state) : model.describeState(state)
}

function toText(value: unknown): string {
  if (typeof value === 'string') return value
  return JSON.stringify(value) ?? String(value)
}

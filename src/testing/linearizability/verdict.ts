/** What a checker says of a history. */
import type { Call } from './call.js'

export type Verdict = LegalVerdict | IllegalVerdict | UnknownVerdict

export type Engine = 'witness' | 'search'

interface Judged {
  readonly engine: Engine
  /** Steps of the model that it took. */
  readonly steps: number
}

export interface LegalVerdict extends Judged {
  readonly verdict: 'ok'
  /** An order of the calls that explains every answer, for each partition. */
  readonly linearizations: readonly Linearization[]
}

export interface IllegalVerdict extends Judged {
  readonly verdict: 'illegal'
  /** The first call that no order explains; undefined where a change was made that nobody asked for. */
  readonly call: Call | undefined
  /** What it said, what was possible instead, and what it is in conflict with. */
  readonly explanation: string
  /** The longest order found, up to the impossible call. */
  readonly linearizations: readonly [Linearization]
}

export interface UnknownVerdict extends Judged {
  readonly verdict: 'unknown'
  /** Which budget was used up, with numbers, and what to do. */
  readonly explanation: string
  readonly linearizations: readonly []
}

export interface Linearization {
  /** The key of the partition, where the model has partitions. */
  readonly partition: string | undefined
  readonly length: number
  /** The calls in their order and the state after each; computed when asked for. `call` undefined: happened by itself. */
  replay(): readonly LinearizedCall[]
  /** All calls of the partition, and words for one of them. */
  calls(): readonly Call[]
  describe(call: Call): string
  /** States in which the impossible call was impossible. */
  readonly possibleStates: readonly string[]
}

export interface LinearizedCall {
  readonly call: Call | undefined
  readonly text: string
  readonly state: string
}

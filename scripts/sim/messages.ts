/** What the main thread and its workers say to each other. Always: plain data. */
import type { Coverage, DrawOptions, FailureKind, Plan } from '../../src/testing/index.js'
import type { CanaryName } from './canaries.js'

/** What every worker is told when it starts. */
export interface Setup {
  /** A bug to plant, to show that a run can fail. */
  readonly canary: CanaryName | undefined
}

export type Order =
  /** Run a seed; `twice`, to see whether both runs are the same. */
  | { readonly type: 'run'; readonly seed: number; readonly draw: DrawOptions; readonly twice: boolean }
  /** Make a failing plan small. */
  | { readonly type: 'shrink'; readonly plan: Plan; readonly failure: FailureText; readonly limitMs: number }

export interface Ran {
  readonly type: 'ran'
  readonly seed: number
  readonly failure: FailureText | undefined
  readonly virtualMs: number
  readonly events: number
  readonly operations: number
  readonly coverage: Coverage
}

export interface Shrunk {
  readonly type: 'shrunk'
  readonly plan: Plan
  readonly failure: FailureText
  readonly runs: number
}

/** What each order is answered with. */
export interface Answers {
  readonly run: Ran
  readonly shrink: Shrunk
}

/** A failure as it crosses from one thread to another. */
export interface FailureText {
  readonly kind: FailureKind
  readonly invariant: string | undefined
  readonly message: string
  readonly stack: string | undefined
}

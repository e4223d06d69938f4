/**
 * What can be wrong with a run, in classes that say where to look.
 *
 * Always: whatever is thrown in a run ends up in one of them. None is dropped.
 */
import { AssertionError } from '../../base/assert.js'

export type FailureKind =
  /** What must hold after every event did not: one of R1 to R27. */
  | 'invariant'
  /** What clients were told has no explanation in any order that time allows. */
  | 'not linearizable'
  /** A watch left out, repeated or reordered an event, or invented one. */
  | 'watch'
  /** After everything healed: no leader, a call that does not end, members that differ. */
  | 'liveness'
  /** The product broke down: one of its assertions, an error that is none of its operating errors, a start that fails. */
  | 'crash'
  /** Two runs of one plan differ. */
  | 'nondeterminism'
  /** The simulation itself is at fault. */
  | 'harness'

export type RunVerdict = 'ok' | FailureKind

/** Why a run failed. */
export class RunFailure extends Error {
  override readonly name = 'RunFailure'
  readonly kind: FailureKind
  /** R1 to R27, where it is one of those. */
  readonly invariant: string | undefined

  constructor(kind: FailureKind, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.kind = kind
    this.invariant = kind === 'invariant' ? invariantOf(message) : undefined
  }
}

/** The class of whatever was thrown while a plan ran. */
export function failureOf(error: unknown): RunFailure {
  if (error instanceof RunFailure) return error
  const message = error instanceof Error ? error.message : String(error)
  if (error instanceof AssertionError && invariantOf(message) !== undefined) {
    return new RunFailure(invariantOf(message) === 'R20' ? 'watch' : 'invariant', message, error)
  }
  return new RunFailure('crash', message, error)
}

export type FailureClass = Pick<RunFailure, 'kind' | 'invariant'>

/** Two failures of one class, and of one invariant: what a smaller plan must fail with to stand for a larger one. */
export function sameFailure(one: FailureClass, other: FailureClass): boolean {
  return one.kind === other.kind && one.invariant === other.invariant
}

function invariantOf(message: string): string | undefined {
  return /^(R\d+) violated/.exec(message)?.[1]
}

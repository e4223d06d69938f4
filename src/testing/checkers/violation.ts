/** What a checker found: the invariant by its number in docs/TESTING.md, and what broke it, without times of the machine. */
import { AssertionError } from '../../base/assert.js'

export type Invariant =
  | 'R1'
  | 'R2'
  | 'R3'
  | 'R4'
  | 'R5'
  | 'R6'
  | 'R7'
  | 'R8'
  | 'R9'
  | 'R10'
  | 'R11'
  | 'R12'
  | 'R13'
  | 'R14'
  | 'R15'
  | 'R16'
  | 'R18'
  | 'R19'
  | 'R20'
  | 'R21'
  | 'R22'
  | 'R23'
  | 'R24'
  | 'R26'
  | 'R27'
  | 'R28'

/** Throws AssertionError `R5 violated: ...`. */
export function fail(invariant: Invariant, what: string): never {
  throw new AssertionError(`${invariant} violated: ${what}`)
}

/** What the two stores answered to one operation. */
import { isDeepStrictEqual } from 'node:util'
import type { Observation } from './observation.js'
import type { Bearings } from './operation.js'

export interface Answers {
  /** Where both stood when it was sent. */
  readonly at: Bearings
  readonly theirs: Observation
  readonly ours: Observation
}

export function equalObservations(theirs: Observation, ours: Observation): boolean {
  return isDeepStrictEqual(theirs, ours)
}

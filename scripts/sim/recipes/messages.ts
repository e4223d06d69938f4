/** What the main thread and its workers say to each other about scenarios of recipes. Always: plain data. */
import type { SimulateReport } from '../../../src/testing/index.js'

/** Run these seeds of a scenario, to the first that fails. */
export interface Slice {
  readonly type: 'slice'
  readonly scenario: string
  /** Undefined: as it should be. */
  readonly naive: string | undefined
  readonly from: number
  readonly count: number
}

export interface SliceRan extends Omit<SimulateReport, 'failure'> {
  readonly failure: FoundFailure | undefined
}

export interface FoundFailure {
  readonly seed: number
  readonly message: string
  /** With the faults that it takes and the end of the story. */
  readonly story: string
}

export interface RecipeAnswers {
  readonly slice: SliceRan
}

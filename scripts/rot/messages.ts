/** What the processes of a rot run are told, and what they tell. */
import type { Damage, Twofold } from './damage.js'
import type { Change } from './facts.js'
import type { Name } from './members.js'

/** How the members are started after one of them was damaged. */
export type Setup =
  /** A cluster of one. */
  | 'alone'
  /** All three at once. */
  | 'together'
  /** First only the damaged one and one that missed the last writes: only the damaged one and the third ever held these. */
  | 'with the one behind'

export interface Preparation {
  readonly type: 'prepare'
  /** Where the members' directories are to be. */
  readonly folder: string
  readonly seed: number
  readonly members: number
  /** Whether the last one is stopped before the last writes. */
  readonly oneBehind: boolean
}

export interface Trial {
  readonly type: 'trial'
  readonly number: number
  /** Holds the directories as they were left, and what clients were told (facts.json). */
  readonly template: string
  /** Where to work. */
  readonly folder: string
  readonly setup: Setup
  readonly victim: Name
  readonly damage: Damage | Twofold
}

export type Command = Preparation | { readonly type: 'close' } | Trial

/** What came of a trial in which nothing was wrong. */
export type Outcome =
  /** It was found when the member was opened, or read, and said. */
  | 'detected'
  /** The member does not start, and says why. */
  | 'refused'
  /**
   * The state is that of another entry, mostly since its last writes are gone; the log is whole and brings it to where it
   * was.
   */
  | 'other entry'
  /** Nobody noticed, and everything in the directory is as it was. */
  | 'no effect'
  /** The end of the log is gone, as far as it was never acknowledged. */
  | 'unacknowledged end'

export interface TrialResult {
  readonly outcome: Outcome
  /** What the member said of it. */
  readonly said: readonly string[]
  /** Right answers, and those that were refused because of damage. */
  readonly reads: number
  readonly refusedReads: number
}

export type Report =
  | { readonly type: 'begun'; readonly id: number; readonly changes: readonly Change[] }
  | { readonly type: 'acknowledged'; readonly id: number; readonly revision: number; readonly changed: boolean }
  | { readonly type: 'prepared' }

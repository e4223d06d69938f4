/** What `npm run fuzz` and its processes say to each other. */
import type { FuzzTally } from '../../test/fuzz/engine.js'

/** A stretch of a target's inputs: one block, or what is dearest of all. */
export interface Job {
  readonly target: string
  readonly seed: number
  readonly block: number | 'extremes'
  /** At most: the last block of a target may be a part of one. */
  readonly count: number
}

export interface Order {
  readonly job: Job
}

export interface Done {
  /** Failures go beside: an input is not for JSON. */
  readonly tally: Omit<FuzzTally, 'failures'>
  readonly failures: readonly { readonly what: string; readonly input: string }[]
}

export type Report = { readonly type: 'ready' } | { readonly type: 'done'; readonly done: Done }

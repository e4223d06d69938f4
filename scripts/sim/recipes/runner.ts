/** One scenario over many seeds: slices of them on all threads, and what they come to together. */
import type { Pool } from '../pool.js'
import type { FoundFailure, RecipeAnswers, Slice, SliceRan } from './messages.js'

export interface Asked {
  readonly scenario: string
  readonly naive: string | undefined
  readonly from: number
  readonly seeds: number
  readonly threads: number
  readonly pool: Pool<Slice, RecipeAnswers>
  /** No further slice is begun. */
  readonly isOver: () => boolean
}

export interface Sum {
  seeds: number
  virtualMs: number
  events: number
  readonly faults: Map<string, number>
  readonly marks: Map<string, number>
  readonly uncaught: Map<string, number>
  /** The one with the lowest seed; the run ends with it. */
  failure: FoundFailure | undefined
}

/** The first seed of a slice is run twice, to see that both runs are the same: one in so many is enough. */
const SLICE = 20

export async function runScenario(asked: Asked): Promise<Sum> {
  const { scenario, naive, from, seeds, threads, pool, isOver } = asked
  const sum: Sum = {
    seeds: 0,
    virtualMs: 0,
    events: 0,
    faults: new Map(),
    marks: new Map(),
    uncaught: new Map(),
    failure: undefined,
  }
  const end = from + seeds
  let next = from
  const lane = async (): Promise<void> => {
    while (next < end && sum.failure === undefined && !isOver()) {
      const slice = { from: next, count: Math.min(SLICE, end - next) }
      next += slice.count
      try {
        add(sum, await pool.ask({ type: 'slice', scenario, naive, ...slice }))
      } catch (error) {
        // The thread died of what no run could catch, or never answered.
        const seedsOf = `one of the seeds ${slice.from} to ${slice.from + slice.count - 1}`
        sum.failure ??= { seed: slice.from, message: String(error), story: `${seedsOf}: ${String(error)}` }
      }
    }
  }
  await Promise.all(Array.from({ length: threads }, lane))
  return sum
}

function add(sum: Sum, { seeds, virtualMs, events, faults, marks, uncaught, failure }: SliceRan): void {
  sum.seeds += seeds
  sum.virtualMs += virtualMs
  sum.events += events
  count(sum.faults, faults)
  count(sum.marks, marks)
  count(sum.uncaught, uncaught)
  if (failure !== undefined && (sum.failure === undefined || failure.seed < sum.failure.seed)) sum.failure = failure
}

function count(into: Map<string, number>, counts: Readonly<Record<string, number | undefined>>): void {
  for (const [name, times] of Object.entries(counts)) into.set(name, (into.get(name) ?? 0) + (times ?? 0))
}

/** Two runs of one plan, side by side: whether they are the same, and the first event in which they differ. */
import { describeDifference, firstDifference } from '../sim/trace.js'
import type { Plan } from './plan.js'
import { runPlan, type RunOptions } from './run-plan.js'

/** Runs a plan twice and says where the runs part; undefined when they are the same. */
export async function runTwice(plan: Plan, options: RunOptions = {}): Promise<string | undefined> {
  const one = await runPlan(plan, { ...options, keepTrace: true })
  const other = await runPlan(plan, { ...options, keepTrace: true })
  const difference = firstDifference(one.trace, other.trace)
  if (difference !== undefined) return `two runs of seed ${plan.seed} part:\n${describeDifference(difference)}`
  if (one.traceHash === other.traceHash) return undefined
  return `two runs of seed ${plan.seed} have the traces ${one.traceHash} and ${other.traceHash}`
}

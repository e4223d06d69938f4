/**
 * Runs seeds of the simulation until one fails as expected. Bundled with a mutant in it and run as a worker thread, so that
 * a mutant that never comes back can be ended. One task after the other: a worker that is warm is fast.
 */
import { parentPort } from 'node:worker_threads'
import { runPlan, type Plan } from '../../src/testing/index.js'
import { emphasised } from './emphasis.js'

export interface Task {
  readonly fromSeed: number
  readonly throughSeed: number
  /** Classes of verdict that count. */
  readonly verdicts: readonly string[]
  readonly emphasis: readonly string[]
  /** How long faults and operations go on in each run. */
  readonly safetyMs: number
  /** Cuts what begins later, and goes over to the heal then. */
  readonly untilMs: number | undefined
}

export interface Finding {
  readonly seed: number
  readonly verdict: string
  readonly message: string
  /** When it failed, which is how long this one run took. */
  readonly failedAtMs: number
}

/** What a task came to. */
export interface Judgement {
  readonly found: Finding | undefined
  /** The first failure of another class than expected: it does not count, and tells what to look at. */
  readonly other: Finding | undefined
  readonly seeds: number
  readonly simulatedMs: number
}

async function judge({ fromSeed, throughSeed, verdicts, emphasis, safetyMs, untilMs }: Task): Promise<Judgement> {
  let other: Finding | undefined
  let simulatedMs = 0
  for (let seed = fromSeed; seed <= throughSeed; seed++) {
    const { failure, virtualMs } = await runPlan(cut(emphasised(seed, safetyMs, emphasis), untilMs))
    simulatedMs += virtualMs
    if (failure === undefined) continue
    const verdict = failure.invariant ?? failure.kind
    const finding = { seed, verdict, message: failure.message, failedAtMs: virtualMs }
    if (verdicts.includes(verdict)) return { found: finding, other, seeds: seed - fromSeed + 1, simulatedMs }
    other ??= finding
  }
  return { found: undefined, other, seeds: throughSeed - fromSeed + 1, simulatedMs }
}

/** The same run up to that time, and for whatever is judged at the end, a little longer. */
function cut(plan: Plan, untilMs = Infinity): Plan {
  if (untilMs >= plan.safetyMs) return plan
  const before = ({ atMs }: { readonly atMs: number }): boolean => atMs <= untilMs
  const { faults, operations } = plan
  return {
    ...plan,
    faults: faults.filter(before),
    operations: operations.filter(before),
    safetyMs: Math.ceil(untilMs) + 1,
  }
}

parentPort?.on('message', (task: Task) => {
  // What it throws ends the worker, and is told as its error.
  void judge(task).then((judgement) => parentPort?.postMessage(judgement))
})

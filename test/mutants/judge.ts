/**
 * Runs seeds of the simulation until one fails as expected. Bundled with a mutant in it and run as a worker thread, so that
 * a mutant that never comes back can be ended.
 */
import { parentPort, workerData } from 'node:worker_threads'
import { drawPlan, runPlan } from '../../src/testing/index.js'
import { emphasised } from './emphasis.js'

export interface Task {
  readonly fromSeed: number
  readonly throughSeed: number
  /** Classes of verdict that count. */
  readonly verdicts: readonly string[]
  readonly emphasis: readonly string[]
  /** How long faults and operations go on in each run. */
  readonly safetyMs: number
}

export interface Finding {
  readonly seed: number
  readonly verdict: string
  readonly message: string
  /** Of this one run. */
  readonly simulatedMs: number
}

/** What a task came to. */
export interface Judgement {
  readonly found: Finding | undefined
  /** The first failure of another class than expected: it does not count, and tells what to look at. */
  readonly other: Finding | undefined
  readonly seeds: number
  readonly simulatedMs: number
}

async function judge({ fromSeed, throughSeed, verdicts, emphasis, safetyMs }: Task): Promise<Judgement> {
  let other: Finding | undefined
  let simulatedMs = 0
  for (let seed = fromSeed; seed <= throughSeed; seed++) {
    const { failure, virtualMs } = await runPlan(emphasised(drawPlan(seed, { safetyMs }), emphasis))
    simulatedMs += virtualMs
    if (failure === undefined) continue
    const verdict = failure.invariant ?? failure.kind
    const finding = { seed, verdict, message: failure.message, simulatedMs: virtualMs }
    if (verdicts.includes(verdict)) return { found: finding, other, seeds: seed - fromSeed + 1, simulatedMs }
    other ??= finding
  }
  return { found: undefined, other, seeds: throughSeed - fromSeed + 1, simulatedMs }
}

parentPort?.postMessage(await judge(workerData as Task))

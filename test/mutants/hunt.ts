/**
 * Hunts a mutant: builds it, and lets a worker thread run seeds until it is caught.
 *
 * Always: what counts as caught is a plan that fails with the mutant and passes without it.
 */
import { Worker } from 'node:worker_threads'
import { buildMutant } from './build.js'
import type { Finding, Judgement, Task } from './judge.js'
import { UNMUTATED, type Mutant } from './mutant.js'

export interface Hunted {
  readonly found: Finding | undefined
  /** Why something that failed does not count: another class than expected, or a plan that fails without the mutant too. */
  readonly other: Finding | undefined
  readonly simulatedMs: number
}

/** Builds of this process, by name. */
const builds = new Map<string, Promise<string>>()

/** Seeds from `fromSeed` on, as many as the mutant may take. Aborting the signal ends it, also one that hangs. */
export async function hunt(mutant: Mutant, fromSeed: number, signal?: AbortSignal): Promise<Hunted> {
  const through = fromSeed + mutant.seeds - 1
  let other: Finding | undefined
  let simulatedMs = 0
  for (let from = fromSeed; from <= through;) {
    const judged = await runSeeds(mutant, mutant, from, through, signal)
    simulatedMs += judged.simulatedMs
    other ??= judged.other
    const { found } = judged
    if (found === undefined) break
    const control = await runSeeds(UNMUTATED, mutant, found.seed, found.seed, signal)
    if (control.other === undefined) return { found, other, simulatedMs }
    other ??= { ...control.other, message: `fails without the mutant too: ${control.other.message}` }
    from = found.seed + 1
  }
  return { found: undefined, other, simulatedMs }
}

/** Runs the plans of one mutant in the build of another, or of the unmutated source. */
export async function runSeeds(
  built: Mutant,
  { emphasis, safetyMs }: Mutant,
  fromSeed: number,
  throughSeed: number,
  signal?: AbortSignal,
): Promise<Judgement> {
  const build = builds.get(built.name) ?? buildMutant(built)
  builds.set(built.name, build)
  return run(await build, { fromSeed, throughSeed, verdicts: built.verdicts, emphasis, safetyMs }, signal)
}

function run(script: string, task: Task, signal: AbortSignal | undefined): Promise<Judgement> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(script, { workerData: task })
    const abort = (): void => {
      void worker.terminate()
      reject(new Error(`not caught in time, from seed ${task.fromSeed} on`))
    }
    signal?.addEventListener('abort', abort, { once: true })
    worker.once('message', resolve)
    worker.once('error', reject)
    worker.once('exit', (code) => {
      signal?.removeEventListener('abort', abort)
      reject(new Error(`the worker ended with code ${code} before it had anything to say`))
    })
  })
}

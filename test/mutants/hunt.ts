/** Hunts a mutant: builds it, and lets a worker thread run seeds until it is caught. */
import { Worker } from 'node:worker_threads'
import { buildMutant } from './build.js'
import type { Judgement, Task } from './judge.js'
import type { Mutant } from './mutant.js'

/** Seeds from `fromSeed` on, as many as the mutant may take. Aborting the signal ends it, also one that hangs. */
export async function hunt(mutant: Mutant, fromSeed: number, signal?: AbortSignal): Promise<Judgement> {
  const { verdicts, seeds, emphasis } = mutant
  const script = await buildMutant(mutant)
  return run(script, { fromSeed, throughSeed: fromSeed + seeds - 1, verdicts, emphasis }, signal)
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

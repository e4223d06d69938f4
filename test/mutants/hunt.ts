/**
 * Hunts a mutant: builds it, and lets a worker thread run seeds until it is caught.
 *
 * Always: what counts as caught is a plan that fails with the mutant and passes without it.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import { buildMutant } from './build.js'
import type { Finding, Judgement, Task } from './judge.js'
import { UNMUTATED, type Mutant } from './mutant.js'

/** Much is short-lived in a simulation: a larger nursery means fewer collections. */
const YOUNG_MB = 64

export interface Hunted {
  readonly found: Finding | undefined
  /** Why something that failed does not count: another class than expected, or a plan that fails without the mutant too. */
  readonly other: Finding | undefined
  readonly simulatedMs: number
}

/** A worker that answers one task after the other. */
interface Judge {
  ask(task: Task, signal: AbortSignal | undefined): Promise<Judgement>
  end(): void
}

/** Seeds from `fromSeed` on, as many as the mutant may take. Aborting the signal ends it, also one that hangs. */
export async function hunt(mutant: Mutant, fromSeed: number, signal?: AbortSignal): Promise<Hunted> {
  const leave = await turn()
  let judge: Judge | undefined
  try {
    judge = judgeOf(await buildMutant(mutant))
    return await search(judge, mutant, fromSeed, signal)
  } finally {
    judge?.end()
    leave()
  }
}

/** Whether the source without a mutant passes so many seeds: the first failure, if not. */
export async function runUnmutated(seeds: number, signal?: AbortSignal): Promise<Finding | undefined> {
  const { other } = await (await control()).ask(taskOf(UNMUTATED, 1, seeds), signal)
  return other
}

async function search(judge: Judge, mutant: Mutant, fromSeed: number, signal?: AbortSignal): Promise<Hunted> {
  const through = fromSeed + mutant.seeds - 1
  let other: Finding | undefined
  let simulatedMs = 0
  for (let from = fromSeed; from <= through;) {
    const judged = await judge.ask(taskOf(mutant, from, through), signal)
    simulatedMs += judged.simulatedMs
    other ??= judged.other
    const { found } = judged
    if (found === undefined) break
    const { seed, failedAtMs } = found
    const passed = await (await control()).ask({ ...taskOf(mutant, seed, seed, failedAtMs), verdicts: [] }, signal)
    if (passed.other === undefined) return { found, other, simulatedMs }
    other ??= { ...passed.other, message: `fails without the mutant too: ${passed.other.message}` }
    from = seed + 1
  }
  return { found: undefined, other, simulatedMs }
}

function taskOf(
  { verdicts, emphasis, safetyMs }: Mutant,
  fromSeed: number,
  throughSeed: number,
  untilMs?: number,
): Task {
  return { fromSeed, throughSeed, verdicts, emphasis, safetyMs, untilMs }
}

let theControl: Promise<Judge> | undefined

/** The source as it is: one for all, begun anew when it was ended. */
function control(): Promise<Judge> {
  theControl ??= buildMutant(UNMUTATED).then((script) =>
    inTurn(
      judgeOf(script, () => {
        theControl = undefined
      }),
    ),
  )
  return theControl
}

function judgeOf(script: string, onEnd: () => void = () => undefined): Judge {
  const worker = new Worker(script, { resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MB } })
  // Not a reason to stay: whoever waits for an answer is.
  worker.unref()
  worker.once('exit', onEnd)
  return {
    ask: (task, signal) => ask(worker, task, signal),
    end: () => void worker.terminate(),
  }
}

function inTurn(judge: Judge): Judge {
  let last: Promise<unknown> = Promise.resolve()
  return {
    ...judge,
    ask: (task, signal) => {
      const asked = last.then(() => judge.ask(task, signal))
      last = asked.catch(() => undefined)
      return asked
    },
  }
}

function ask(worker: Worker, task: Task, signal: AbortSignal | undefined): Promise<Judgement> {
  return new Promise((resolve, reject) => {
    const listeners = new AbortController()
    const over = (then: () => void): void => {
      listeners.abort()
      worker.off('message', answered).off('error', failed).off('exit', exited).unref()
      then()
    }
    const answered = (judgement: Judgement): void => {
      over(() => {
        resolve(judgement)
      })
    }
    const failed = (error: unknown): void => {
      over(() => {
        reject(error instanceof Error ? error : new Error(String(error)))
      })
    }
    const exited = (code: number): void => {
      failed(new Error(`the worker ended with code ${code} before it had anything to say`))
    }
    const aborted = (): void => {
      void worker.terminate()
      failed(new Error(`not caught in time, from seed ${task.fromSeed} on`))
    }
    if (signal?.aborted === true) return aborted()
    signal?.addEventListener('abort', aborted, { signal: listeners.signal })
    worker.on('message', answered).on('error', failed).on('exit', exited).ref()
    worker.postMessage(task)
  })
}

/** Hunts that are under way, and those that wait for one of them to end. */
let hunting = 0
const waiting: (() => void)[] = []

/** One hunt for each core: resolves when there is room, with what makes room for the next one. */
async function turn(): Promise<() => void> {
  if (hunting < availableParallelism()) hunting++
  else await new Promise<void>((resolve) => waiting.push(resolve))
  return () => {
    const next = waiting.shift()
    if (next === undefined) hunting--
    else next()
  }
}

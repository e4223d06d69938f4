/** What services have in common: a loop that outlives trouble, and an end when somebody asks for it. */
import { isStoreError, type Store } from 'quorate'
import type { NodeEnvironment } from 'quorate/testing'
import { decorated } from '../stage.js'

/** With these the store is over, and with it the process: its supervisor starts another one. */
const OVER = ['CLOSED', 'MEMBER_FAILED'] as const
const PAUSE_MS = 100

export interface LoopOptions {
  /** Milliseconds between two rounds, and after one that failed. Default 100. */
  readonly pauseMs?: number
}

/**
 * Does `work` again and again until the node is asked to stop. An error of operation (no leader, a lost lock, a time-out)
 * costs one round; one that means that the store is over, or that is none of the store's, ends the process.
 */
export async function untilStopped<Observed, Exposed>(
  env: NodeEnvironment<Observed, Exposed>,
  work: (round: number) => Promise<void>,
  { pauseMs = PAUSE_MS }: LoopOptions = {},
): Promise<void> {
  for (let round = 1; !env.signal.aborted; round++) {
    try {
      await work(round)
    } catch (error) {
      if (env.signal.aborted) return
      if (!isStoreError(error) || OVER.some((code) => isStoreError(error, code))) throw error
      env.log(`${error.code}: ${error.message}`)
    }
    await sleepUnlessStopped(env, pauseMs)
  }
}

/** Shorter when the node is asked to stop. */
export async function sleepUnlessStopped(
  { sleep, signal }: Pick<NodeEnvironment, 'sleep' | 'signal'>,
  ms: number,
): Promise<void> {
  if (signal.aborted) return
  await sleep(ms, signal).catch((error: unknown) => {
    if (!signal.aborted) throw error
  })
}

/** Milliseconds after which an impatient store gives up: less than many of the faults last. */
const IMPATIENT_MS = 150

/**
 * The store, with a short deadline for each transaction: what became of it is unknown much more often, and many of those
 * take effect when somebody has looked already.
 */
export function impatient(store: Store): Store {
  return decorated(store, {
    txn: (transaction, options) => store.txn(transaction, { timeoutMs: IMPATIENT_MS, ...options }),
  })
}

/** What `work` answers, as soon as the store gives it: for `atEnd`, where nothing is wrong any more. */
export async function insist<Result>(
  { sleep }: { readonly sleep: (ms: number) => Promise<void> },
  work: () => Promise<Result>,
): Promise<Result> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!isStoreError(error) || !error.retryable) throw error
      await sleep(PAUSE_MS)
    }
  }
}

/** The same of whichever node answers: one of them may be about to start again. */
export async function askAnyStore<Result>(
  world: {
    readonly nodes: readonly { readonly exposed: { readonly store: Store } | undefined }[]
    readonly sleep: (ms: number) => Promise<void>
  },
  ask: (store: Store) => Promise<Result>,
): Promise<Result> {
  for (;;) {
    for (const { exposed } of world.nodes) {
      try {
        if (exposed !== undefined) return await ask(exposed.store)
      } catch (error) {
        if (!isStoreError(error)) throw error
      }
    }
    await world.sleep(PAUSE_MS)
  }
}

/** The store that some node exposes: `env.expose({ store })`. */
export function anyStore(nodes: readonly { readonly exposed: { readonly store: Store } | undefined }[]): Store {
  const exposed = nodes.find((node) => node.exposed !== undefined)?.exposed
  if (exposed === undefined) throw new Error('no node has a store')
  return exposed.store
}

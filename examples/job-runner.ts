/**
 * A job runner, as one would write it: jobs are keys under `jobs/`. Whoever gets the lock of a job does it, writes down the
 * payment for it and deletes the job, both in one transaction. Each job is to be paid once.
 *
 * There are three ways to make that transaction. Two of them pay twice, some day. All three pass every test that waits for
 * them on a quiet machine; job-runner.sim.ts tells them apart.
 */
import { del, isStoreError, Mutex, put, type Lock, type Store, type Transaction } from 'quorate'

export type Commit = (store: Store, lock: Lock, result: Transaction) => Promise<unknown>

/** Wrong: we had the lock when we began. */
export const trusting: Commit = (store, _lock, result) => store.txn(result)

/** Wrong, and looks right: we have the lock now. But the write takes effect later, and takes as long as the network does. */
export const looking: Commit = (store, lock, result) => {
  lock.signal.throwIfAborted()
  return store.txn(result)
}

/** Right: whether the lock is still held is compared in the transaction itself, by its token. */
export const guarded: Commit = (_store, lock, result) => lock.txn(result)

/** What a worker needs beside its store: timers and a console in production, the `env` of a simulation there. */
export interface Surroundings {
  readonly node: string
  readonly sleep: (ms: number) => Promise<void>
  readonly log: (text: string) => void
}

/** A worker: does one free job after the other, until none is left. `paid` is told of each. */
export async function work(
  store: Store,
  { node, sleep, log }: Surroundings,
  commit: Commit,
  paid: (job: string) => void,
): Promise<void> {
  for (;;) {
    try {
      const { items } = await store.range({ prefix: 'jobs/' })
      if (items.length === 0) return
      for (const { key } of items) if (await tryJob(key)) break
    } catch (error) {
      // A time-out, a lost lock: the job is still there, or it is done. The next look will tell.
      if (!isStoreError(error)) throw error
      log(`${error.code}: ${error.message}`)
    }
    await sleep(100)
  }

  async function tryJob(job: string): Promise<boolean> {
    const lock = await new Mutex(store, `locks/${job}`).tryLock({ ttlMs: 2_000 })
    if (lock === undefined) return false
    try {
      // Another one may have done it between our look and our lock.
      if ((await store.get(job)) === undefined) return false
      log(`has the lock of ${job}, token ${lock.token}`)
      await sleep(1_000)
      await commit(store, lock, { success: [put(`paid/${job}`, node), del(job)] })
      paid(job)
      return true
    } finally {
      // When this fails, the lock ends with its lease.
      await lock.unlock().catch(() => undefined)
    }
  }
}

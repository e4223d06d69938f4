/**
 * Mutual exclusion between processes, fair: who came first is served first.
 *
 * What a lock promises is bounded by what a lease can promise (session.ts); hold.ts says what closes the gap.
 */
import type { Store } from '../api/store.js'
import { Contender, type ContendOptions } from './contender.js'
import { Hold } from './hold.js'

export type LockOptions = ContendOptions

/** A mutex that is held. */
export class Lock extends Hold {
  /**
   * Aborts the signal and lets the next one in. Idempotent. When it rejects, the lock ends with its lease, within the
   * TTL, and calling again tries again.
   */
  unlock(): Promise<void> {
    return this.release()
  }
}

/**
 * A name that one at a time can hold. Make one object for each that contends.
 *
 * @example
 * const lock = await new Mutex(store, 'jobs/nightly').lock({ ttlMs: 10_000, signal })
 * try {
 *   await work(lock.signal)
 *   await lock.txn({ success: [put('jobs/nightly/last', 'done')] })
 * } finally {
 *   await lock.unlock()
 * }
 */
export class Mutex {
  readonly #store: Store
  readonly #contender: Contender<Lock>

  constructor(store: Store, name: string) {
    this.#store = store
    this.#contender = new Contender(store, name, (place, revision) => new Lock(place, revision))
  }

  /**
   * Waits in the line and resolves when the lock is held.
   *
   * Rejects with `ABORTED` or `TIMEOUT` when waiting is given up, `LOCK_LOST` when the place in the line was lost,
   * `LOCK_BUSY` when this object holds the lock or waits for it already, and with what the store rejects with. Its place
   * in the line is given up then.
   */
  lock(options: LockOptions = {}): Promise<Lock> {
    return this.#contender.contend('lock()', '', options)
  }

  /** The lock if it is free, else undefined, without waiting for anybody. Rejects like {@link lock}. */
  async tryLock(options: LockOptions = {}): Promise<Lock | undefined> {
    return this.#contender.busy ? undefined : this.#contender.tryOnce('tryLock()', '', options)
  }

  /**
   * Runs `work` with the lock, and gives it back. Resolves with what `work` does only if the lock was held until then;
   * rejects with `LOCK_LOST` when it was not, or with the error of `work`.
   */
  async withLock<Result>(work: (lock: Lock) => Promise<Result> | Result, options: LockOptions = {}): Promise<Result> {
    const lock = await this.lock(options)
    try {
      const result = await work(lock)
      lock.signal.throwIfAborted()
      return result
    } finally {
      await lock.unlock().catch((error: unknown) => {
        // What `work` did is done: the failure to say so at once only makes the next one wait for the lease to end.
        this.#store.environment.logger.warn('a lock is left to its lease', { reason: String(error) })
      })
    }
  }
}

/**
 * Mutual exclusion between processes, fair: who came first is served first.
 *
 * What a lock promises is bounded by what a lease can promise (session.ts); hold.ts says what closes the gap.
 */
import { checkFields } from '../../api/check-fields.js'
import type { CallOptions, Store } from '../../api/store.js'
import { Contender, CONTENDER_FIELDS, type ContenderOptions, type LockOptions } from './contender.js'
import { listLine, type Contestant } from './contestant.js'
import { Hold } from './hold.js'
import { oneAtATime } from './obstacle.js'
import { withHold } from './with-hold.js'

export type MutexOptions = ContenderOptions

/** A mutex that is held. */
export class Lock extends Hold {
  /**
   * Aborts the signal and lets the next one in. Idempotent. When it rejects, calling again tries again, and the lock ends at
   * the latest with its lease: within the TTL, or where the session was given, when that ends.
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
  readonly #name: string
  readonly #contender: Contender<Lock>

  constructor(store: Store, name: string, options: MutexOptions = {}) {
    checkFields(options, CONTENDER_FIELDS, 'new Mutex()')
    this.#store = store
    this.#name = name
    this.#contender = new Contender(store, name, options, (place, revision) => new Lock(place, revision))
  }

  /**
   * Waits in the line and resolves when the lock is held.
   *
   * Rejects with `ABORTED` or `TIMEOUT` when waiting is given up, `LOCK_LOST` when the place in the line was lost,
   * `LOCK_BUSY` when this object holds the lock or waits for it already, and with what the store rejects with. Its place
   * in the line is given up then.
   */
  lock(options: LockOptions = {}): Promise<Lock> {
    return this.#contender.contend({ what: 'lock()', rule: oneAtATime }, options)
  }

  /** The lock if it is free, else undefined, without waiting for anybody. Rejects like {@link lock}. */
  async tryLock(options: LockOptions = {}): Promise<Lock | undefined> {
    return this.#contender.busy ? undefined : this.#contender.tryOnce({ what: 'tryLock()', rule: oneAtATime }, options)
  }

  /**
   * Runs `work` with the lock, and gives it back. Resolves with what `work` does only if the lock was held until then;
   * rejects with `LOCK_LOST` when it was not, or with the error of `work`.
   *
   * @example
   * await new Mutex(store, 'reports/2026').withLock(
   *   (lock) => upload(report, { fencing: lock.token, signal: lock.signal }),
   *   { timeoutMs: 30_000 },
   * )
   */
  async withLock<Result>(work: (lock: Lock) => Promise<Result> | Result, options: LockOptions = {}): Promise<Result> {
    return withHold(this.#store, 'withLock()', work, () => this.lock(options))
  }

  /**
   * Who holds the lock and who waits for it, in order.
   *
   * @example
   * for (const { owner, token, holds } of await mutex.line()) console.log(owner, token, holds ? 'holds' : 'waits')
   */
  line(options: CallOptions = {}): Promise<readonly Contestant[]> {
    return listLine(
      this.#store,
      this.#name,
      options,
      () => oneAtATime,
      (contestant) => contestant,
    )
  }
}

/**
 * Many readers or one writer, fair: who came first is served first, and readers who stand next to each other together. So
 * neither kind can starve the other: a reader that comes while a writer waits stands behind it.
 *
 * What a lock promises is bounded by what a lease can promise (session.ts); hold.ts says what closes the gap.
 */
import { checkFields } from '../../api/check-fields.js'
import type { CallOptions, Store } from '../../api/store.js'
import { Contender, CONTENDER_FIELDS, type ContenderOptions, type LockOptions } from './contender.js'
import { listLine, type Contestant } from './contestant.js'
import { hasMark } from './line.js'
import { Lock } from './mutex.js'
import { oneAtATime, READ_MARK, shared } from './obstacle.js'
import { withHold } from './with-hold.js'

export type RWLockOptions = ContenderOptions

export interface ReaderOrWriter extends Contestant {
  readonly mode: 'read' | 'write'
}

/**
 * A name that many can hold to read, or one to write. Make one object for each task that contends: one that reads and
 * wants to write would wait for itself.
 *
 * The token of a writer is larger than that of everybody who held before. Readers who hold at the same time have tokens in
 * the order in which they came, so what is protected elsewhere refuses a reader only if it has seen the larger token of a
 * writer.
 *
 * @example
 * const prices = await new RWLock(store, 'catalogue').withReadLock((lock) => load({ signal: lock.signal }))
 * await new RWLock(store, 'catalogue').withWriteLock((lock) => lock.txn({ success: [put('catalogue/1', '9.99')] }))
 */
export class RWLock {
  readonly #store: Store
  readonly #name: string
  readonly #contender: Contender<Lock>

  constructor(store: Store, name: string, options: RWLockOptions = {}) {
    checkFields(options, CONTENDER_FIELDS, 'new RWLock()')
    this.#store = store
    this.#name = name
    this.#contender = new Contender(store, name, options, (place, revision) => new Lock(place, revision))
  }

  /**
   * Waits until every writer that came before has gone. Rejects with `ABORTED` or `TIMEOUT` when waiting is given up,
   * `LOCK_LOST` when the place in the line was lost, `LOCK_BUSY` when this object holds or waits already, to read or to
   * write, and with what the store rejects with. Its place in the line is given up then.
   */
  readLock(options: LockOptions = {}): Promise<Lock> {
    return this.#contender.contend({ what: 'readLock()', rule: shared, mark: READ_MARK }, options)
  }

  /** Waits until everybody who came before has gone. Rejects like {@link readLock}. */
  writeLock(options: LockOptions = {}): Promise<Lock> {
    return this.#contender.contend({ what: 'writeLock()', rule: oneAtATime }, options)
  }

  /** The lock if no writer holds it or waits for it, else undefined, without waiting. Rejects like {@link readLock}. */
  async tryReadLock(options: LockOptions = {}): Promise<Lock | undefined> {
    const wish = { what: 'tryReadLock()', rule: shared, mark: READ_MARK }
    return this.#contender.busy ? undefined : this.#contender.tryOnce(wish, options)
  }

  /** The lock if nobody holds it or waits for it, else undefined, without waiting. Rejects like {@link readLock}. */
  async tryWriteLock(options: LockOptions = {}): Promise<Lock | undefined> {
    const wish = { what: 'tryWriteLock()', rule: oneAtATime }
    return this.#contender.busy ? undefined : this.#contender.tryOnce(wish, options)
  }

  /**
   * Runs `work` with the lock, and gives it back. Resolves with what `work` does only if the lock was held until then;
   * rejects with `LOCK_LOST` when it was not, or with the error of `work`.
   */
  async withReadLock<Result>(
    work: (lock: Lock) => Promise<Result> | Result,
    options: LockOptions = {},
  ): Promise<Result> {
    return withHold(this.#store, 'withReadLock()', work, () => this.readLock(options))
  }

  /** The like of {@link withReadLock}. */
  async withWriteLock<Result>(
    work: (lock: Lock) => Promise<Result> | Result,
    options: LockOptions = {},
  ): Promise<Result> {
    return withHold(this.#store, 'withWriteLock()', work, () => this.writeLock(options))
  }

  /** Who holds the lock and who waits for it, in order. */
  line(options: CallOptions = {}): Promise<readonly ReaderOrWriter[]> {
    return listLine(
      this.#store,
      this.#name,
      options,
      (contender) => (hasMark(contender, READ_MARK) ? shared : oneAtATime),
      (contestant, contender) => ({ ...contestant, mode: hasMark(contender, READ_MARK) ? 'read' : 'write' }),
    )
  }
}

/**
 * Holding the front of the line: what a lock and a leadership have in common.
 *
 * Always: `signal` is aborted before the end of the lease can let anybody else in, and as soon as this process learns of
 * it when somebody removed the key. Neither helps a process that is stopped between looking at the signal and writing.
 * For that there is one remedy, a comparison where the write takes effect: `guard` and `txn` for this store, the token
 * for everything else.
 */
import {
  txn,
  type Compare,
  type GuardedTransaction,
  type Operation,
  type Revision,
  type Transaction,
} from '../../api/operations.js'
import type { CallOptions, Store, TransactionResult } from '../../api/store.js'
import { StoreError } from '../../base/errors.js'
import { quote } from '../../base/quote.js'
import { stands } from './line.js'
import type { Place } from './place.js'

/** What the one holds who is first in the line. */
export abstract class Hold implements AsyncDisposable {
  readonly #place: Place
  #released = false
  #suspended = false
  #onRelease: ((lost: unknown) => void) | undefined

  /** @internal `revision`: at which the place was seen to be the first. */
  constructor(place: Place, revision: Revision) {
    this.#place = place
    void place.loseWithKey(revision)
  }

  /** The key that stands for it. */
  get key(): string {
    return this.#place.standing.key
  }

  /**
   * The fencing token: larger than that of every earlier holder of the same name. Send it along with what you do
   * elsewhere, and let the receiver refuse a token smaller than one it has seen.
   */
  get token(): Revision {
    return this.#place.standing.createRevision
  }

  /**
   * Aborts, with a `LOCK_LOST` error as its reason, before the lease can end; also when the key was removed, when the
   * store was closed or failed, and when this is given back. It looks at the clock when it is asked.
   */
  get signal(): AbortSignal {
    return this.#place.signal
  }

  /**
   * A transaction that does `transaction`, whichever branch, only while this is held. It is for {@link Store.txn}:
   * `succeeded` says then whether it was held, and the one result, of type `transaction`, what became of it.
   *
   * The given transaction stands inside, rather than beside a comparison added to its own: there, its `failure` would be
   * done by one who does not hold any more.
   *
   * @example
   * const { succeeded } = await store.txn(lock.guard({ success: [put('jobs/nightly', 'done')] }))
   */
  guard<
    const Success extends readonly Operation[] = readonly [],
    const Failure extends readonly Operation[] = readonly [],
  >(transaction: Transaction<Success, Failure>): GuardedTransaction<Success, Failure> {
    return { compare: this.held(), success: [txn(transaction)] }
  }

  /**
   * Does a transaction only while this is held, and resolves with its result. Rejects with `LOCK_LOST` when it is not
   * held any more: nothing was done then.
   *
   * @example
   * await lock.txn({ success: [put('jobs/nightly', 'done')] })
   */
  txn<
    const Success extends readonly Operation[] = readonly [],
    const Failure extends readonly Operation[] = readonly [],
  >(transaction: Transaction<Success, Failure>, options?: CallOptions): Promise<TransactionResult<Success, Failure>>
  async txn(transaction: Transaction, options: CallOptions = {}): Promise<TransactionResult> {
    this.signal.throwIfAborted()
    const { succeeded, revision, results } = await this.store.txn(this.guard(transaction), options)
    if (!succeeded) throw this.lost()
    const [inner] = results
    return { revision, succeeded: inner.succeeded, results: inner.results }
  }

  /**
   * @internal Calls `listener` once it is not held any more: with why it was lost, or with undefined where it was given
   * back. One that is suspended is held until then.
   */
  onOver(listener: (lost: unknown) => void): void {
    const { signal } = this
    const over = (): void => {
      if (this.#released) listener(undefined)
      else if (this.#suspended) this.#onRelease = listener
      else listener(signal.reason)
    }
    if (signal.aborted) over()
    else signal.addEventListener('abort', over, { once: true })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.release()
  }

  protected get store(): Store {
    return this.#place.store
  }

  /** Hold while this is held. */
  protected held(): Compare[] {
    return stands(this.#place.standing)
  }

  /** The store said that it is over; the error to throw. */
  protected lost(): StoreError {
    this.#place.lose('its key was removed')
    return new StoreError(
      'LOCK_LOST',
      `${quote(this.key)} is not held any more: its lease ended or its key was removed`,
    )
  }

  /** Idempotent; may be tried again when it rejects. */
  protected release(): Promise<void> {
    this.#released = true
    this.#onRelease?.(undefined)
    return this.#place.end()
  }

  /** Aborts the signal and goes on to hold: nobody else comes in before {@link release}. */
  protected suspend(reason: unknown): void {
    this.#suspended = true
    this.#place.stop(reason)
  }
}

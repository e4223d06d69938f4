/**
 * One attempt of a firing, as the function of a job sees it.
 *
 * Always: `signal` aborts before the lease can end, so before another process can begin the firing again, as far as a signal
 * can tell (session.ts says how far that is). What is written through `complete` and `txn` is safe in any case.
 */
import { isDeepStrictEqual } from 'node:util'
import { txn, type GuardedTransaction, type Operation, type Revision, type Transaction } from '../../api/operations.js'
import type { CallOptions, Store, TransactionResult } from '../../api/store.js'
import { StoreError } from '../../base/errors.js'
import type { Claim, Completion } from './claim.js'
import { textOf } from './date.js'
import type { JobView } from './job-view.js'
import { Patience, type WaitOptions } from '../patience.js'
import { mayTakeEffect } from '../failures.js'
import type { SharedSession } from '../session/shared-session.js'
import { WatchfulController } from '../session/watchful-controller.js'

export class Firing {
  /** The name of the job. */
  readonly job: string
  readonly #store: Store
  readonly #claim: Claim
  /** The claim is lost, or nobody minds it any more. */
  readonly #lost = new AbortController()
  readonly #controller = new WatchfulController(() => {
    // Looking there aborts here.
    void this.#claim.session.signal.aborted
  })
  readonly #stopListening: () => void
  #completing = false
  /** With which it may be completed: that it is done would else be taken for another one's. */
  #doubtful: Transaction | undefined
  #completed = false

  /** @internal */
  constructor(store: Store, job: string, claim: Claim) {
    this.job = job
    this.#store = store
    this.#claim = claim
    const { signal } = claim.session
    const ended = (): void => {
      this.lose(signal.reason)
    }
    signal.addEventListener('abort', ended, { once: true })
    this.#stopListening = () => {
      signal.removeEventListener('abort', ended)
    }
    if (signal.aborted) ended()
  }

  /** Its name: the time at which it was due, as `2026-11-30T03:00:00.000Z`, whenever it is run, and by whose clock. */
  get scheduled(): string {
    return textOf(this.scheduledMs)
  }

  /** The same in milliseconds since 1970. */
  get scheduledMs(): number {
    return this.#claim.firing.scheduledMs
  }

  /** 1 at first, one more each time it is begun again. */
  get attempt(): number {
    return this.#claim.firing.attempt
  }

  /** The fencing token: larger than that of every earlier attempt and firing of the job. */
  get token(): Revision {
    return this.#claim.token
  }

  /**
   * Aborts, with a `LOCK_LOST` error as its reason, before another process can begin the firing again; with `ABORTED` when
   * the job is closed: the firing is still held then. It looks at the clock when it is asked.
   */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /**
   * Does a transaction and says that the firing is done, both in one step and only while this attempt holds the firing: what
   * it writes is written once, however often the function is run. Returning completes the firing, too, and after this no more.
   *
   * Resolves with which branch of the transaction was done; either completes the firing. Rejects with `LOCK_LOST` when the
   * firing is not held any more: where it was done before that, nobody runs the firing again, and where not, it is not done.
   * With `TIMEOUT` or `ABORTED` when waiting is given up. Where `outcome` is `unknown` it may be done or not, and calling again
   * with the same transaction finds out.
   *
   * @example
   * await firing.complete({ success: [put(`invoices/${firing.scheduled}`, 'sent')] })
   */
  async complete(transaction: Transaction = {}, options: WaitOptions = {}): Promise<Completion> {
    if (this.#completed) throw new TypeError('the firing was completed by an earlier call')
    if (this.#completing) throw new TypeError('the firing is being completed by another call')
    if (this.#doubtful !== undefined && !isDeepStrictEqual(this.#doubtful, transaction)) {
      throw new TypeError(
        'the firing may be completed by an earlier call: call again with the same transaction to find out',
      )
    }
    this.#completing = true
    try {
      const completion = await this.#insist(options, (patience) => this.#claim.complete(transaction, patience))
      if (completion === undefined) throw this.#gone()
      this.#completed = true
      return completion
    } catch (error) {
      if (mayTakeEffect(error)) this.#doubtful = transaction
      throw error
    } finally {
      this.#completing = false
    }
  }

  /**
   * A transaction that does `transaction`, whichever branch, only while this attempt holds the firing, and leaves it open.
   * `succeeded` says whether it was held, and the one result, of type `transaction`, what became of it.
   */
  guard<
    const Success extends readonly Operation[] = readonly [],
    const Failure extends readonly Operation[] = readonly [],
  >(transaction: Transaction<Success, Failure>): GuardedTransaction<Success, Failure> {
    return { compare: this.#claim.held(), success: [txn(transaction)] }
  }

  /**
   * Does a transaction only while this attempt holds the firing, and leaves it open: notes of how far it has come. Rejects
   * with `LOCK_LOST` when it is not held any more: nothing was done then.
   */
  txn<
    const Success extends readonly Operation[] = readonly [],
    const Failure extends readonly Operation[] = readonly [],
  >(transaction: Transaction<Success, Failure>, options?: CallOptions): Promise<TransactionResult<Success, Failure>>
  async txn(transaction: Transaction, options: CallOptions = {}): Promise<TransactionResult> {
    this.#lost.signal.throwIfAborted()
    const { succeeded, revision, results } = await this.#store.txn(this.guard(transaction), options)
    if (!succeeded) throw this.#gone()
    const [inner] = results
    return { revision, succeeded: inner.succeeded, results: inner.results }
  }

  /** @internal */
  get isCompleted(): boolean {
    return this.#completed
  }

  /** @internal Whether it is known to be lost. */
  get isLost(): boolean {
    void this.signal
    return this.#lost.signal.aborted
  }

  /**
   * @internal Its function has returned or thrown; rejects with `LOCK_LOST` when it is not held any more. It is completed where a
   * call of {@link complete} that was given up took effect.
   */
  async end(ending: Parameters<Claim['end']>[0]): Promise<void> {
    const state = await this.#insist({}, (patience) => this.#claim.end(ending, patience))
    if (state === 'done') this.#completed = true
    else if (state !== ending.state) throw this.#gone()
  }

  /** @internal Whether it is begun again when this attempt comes to nothing. */
  get isRepeated(): boolean {
    return this.#claim.firing.promise === 'at-least-once'
  }

  /** @internal Looks whether it is still held. */
  see(view: JobView): void {
    const { token, firing } = this.#claim
    if (view.revision < token || view.run?.createRevision === token) return
    // The news of its end came before the answer.
    const seen = view.readable?.firing
    if (seen?.id === firing.id && seen.state !== 'begun') return
    this.#gone()
  }

  /** @internal Leaves it to the end of the lease. */
  abandon(session: SharedSession): void {
    session.abandon(this.#claim.session)
  }

  /** @internal Lets another one have it. */
  release(options: WaitOptions = {}): Promise<void> {
    return this.#insist(options, (patience) => this.#claim.release(patience))
  }

  /** @internal The job is closed: the function is asked to stop. */
  stop(): void {
    this.#controller.abort(new StoreError('ABORTED', 'the job was closed'))
  }

  /** @internal */
  lose(reason: unknown): void {
    if (this.#completed) return
    this.#lost.abort(reason)
    this.#controller.abort(reason)
  }

  /** @internal Nothing is left behind on the session. */
  forget(): void {
    this.#stopListening()
  }

  #gone(): StoreError {
    const error = new StoreError('LOCK_LOST', `the firing of ${this.scheduled} is not held any more`)
    this.lose(error)
    return error
  }

  async #insist<T>(options: WaitOptions, call: (patience: Patience) => Promise<T>): Promise<T> {
    const patience = new Patience(this.#store.environment, options)
    try {
      void this.signal
      patience.endWith(this.#lost.signal)
      return await call(patience)
    } finally {
      patience.end()
    }
  }
}

/**
 * Whether the disk can still be written to: one failure, and never again. A write that does not end in time is one.
 *
 * Always: a failed write or sync is not retried. After a failed fsync the kernel may have marked the lost pages clean,
 * so that the next one succeeds and proves nothing (ATC'20, "Can applications recover from fsync failures?"); whether the
 * failed batch is on disk is unknown until the next start, which reads it. Log and state share one health: a member
 * whose log failed must not go on recording what it applied.
 */
import { StoreError, isStoreError } from '../base/errors.js'
import { diskFailure, hungFailure } from './disk-failure.js'
import { DiskWatch } from './disk-watch.js'

export class DiskHealth {
  readonly #location: string
  readonly #watch: DiskWatch
  #failure: StoreError | undefined
  #closed = false

  constructor(location: string, watch = new DiskWatch()) {
    this.#location = location
    this.#watch = watch
  }

  /** What made the disk unusable, if anything did. */
  get failure(): StoreError | undefined {
    return this.#failure
  }

  /** Throws what every write must reject with once one has failed, or after the close. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure
    if (this.#closed) throw new StoreError('CLOSED', `the storage in ${this.#location} is closed`)
  }

  /**
   * Waits for a write or a sync, named by `what` ("writing the log"). Rejects with what to throw when it fails or does not
   * end in time: then it is unknown whether it is on the disk, also where it ends well after all.
   */
  async during<T>(what: string, operation: () => Promise<T>): Promise<T> {
    try {
      return await this.#watch.wait(operation(), () => hungFailure(what, this.#location, this.#watch.timeoutMs))
    } catch (error) {
      throw this.fail(what, error)
    }
  }

  /**
   * Waits for an operation on which nothing rests that was promised: where it fails, that is its owner's affair, and the error
   * passes. That the disk does not answer concerns everybody: then it is as with {@link during}.
   */
  async answering<T>(what: string, operation: () => Promise<T>): Promise<T> {
    return this.#watch.wait(operation(), () =>
      this.fail(what, hungFailure(what, this.#location, this.#watch.timeoutMs)),
    )
  }

  /** Remembers that `what` failed; the first failure stays. Returns the error to throw. */
  fail(what: string, cause: unknown): StoreError {
    this.#failure ??=
      isStoreError(cause, 'DATA_DAMAGED') || isStoreError(cause, 'DISK_FAILED')
        ? cause
        : diskFailure(`${what} failed in ${this.#location}`, cause, 'unknown')
    return this.#failure
  }

  close(): void {
    this.#closed = true
  }
}

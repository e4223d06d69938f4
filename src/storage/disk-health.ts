/**
 * Whether the disk can still be written to: one failure, and never again.
 *
 * Always: a failed write or sync is not retried. After a failed fsync the kernel may have marked the lost pages clean,
 * so that the next one succeeds and proves nothing (ATC'20, "Can applications recover from fsync failures?"); whether the
 * failed batch is on disk is unknown until the next start, which reads it. Log and state share one health: a member
 * whose log failed must not go on recording what it applied.
 */
import { StoreError, isStoreError } from '../base/errors.js'
import { diskFailure } from './disk-failure.js'

export class DiskHealth {
  readonly #location: string
  #failure: StoreError | undefined
  #closed = false

  constructor(location: string) {
    this.#location = location
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

  /** Remembers that `what` failed; the first failure stays. Returns the error to throw. */
  fail(what: string, cause: unknown): StoreError {
    this.#failure ??= isStoreError(cause, 'DATA_DAMAGED')
      ? cause
      : diskFailure(`${what} failed in ${this.#location}`, cause, 'unknown')
    return this.#failure
  }

  close(): void {
    this.#closed = true
  }
}

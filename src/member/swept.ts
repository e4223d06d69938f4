/**
 * Who waits for a compaction to be done physically on this member: everything that it made superfluous is removed, and
 * that is on disk.
 *
 * Always: whoever compacts may wait longer than their deadline; the compaction was done all the same.
 */
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Revision } from '../mvcc/types.js'
import type { CallLimits, Deadlines, Pending } from './deadlines.js'
import type { EndCode } from './lifetime.js'

export class Swept {
  readonly #deadlines: Deadlines
  readonly #waiting = new Map<Pending<void>, Revision>()

  constructor(deadlines: Deadlines) {
    this.#deadlines = deadlines
  }

  get hasWaiting(): boolean {
    return this.#waiting.size > 0
  }

  /** Resolves once {@link reached} was told of `revision` or a later one. */
  wait(revision: Revision, limits: CallLimits): Promise<void> {
    if (this.#waiting.size >= LIMITS.pendingReadsMax) {
      throw new StoreError('TOO_MANY_REQUESTS', `${this.#waiting.size} calls wait for compactions, which is the limit.`)
    }
    const pending = this.#deadlines.wait<void>(limits, (code, cause) => {
      const why = `The compaction to ${revision} was done, but what it made superfluous is not yet removed.`
      return new StoreError(code, why, { cause, outcome: 'unknown' })
    })
    if (pending.settled) return pending.promise
    this.#waiting.set(pending, revision)
    const leave = (): void => {
      this.#waiting.delete(pending)
    }
    pending.promise.then(leave, leave)
    return pending.promise
  }

  /** Everything that compactions up to `revision` made superfluous is gone from the disk. */
  reached(revision: Revision): void {
    for (const [pending, awaited] of this.#waiting) if (awaited <= revision) pending.resolve()
  }

  rejectAll(code: EndCode, why: string, cause?: unknown): void {
    for (const pending of this.#waiting.keys()) pending.reject(new StoreError(code, why, { cause, outcome: 'unknown' }))
  }
}

/** Waiting for something to be so that is looked at in each turn of the loop: for what comes about in several ways. */
import { StoreError } from '../base/errors.js'
import type { CallLimits, Deadlines, Pending } from './deadlines.js'
import type { EndCode } from './lifetime.js'

export class Conditions {
  readonly #deadlines: Deadlines
  readonly #waiting = new Map<Pending<void>, () => boolean>()

  constructor(deadlines: Deadlines) {
    this.#deadlines = deadlines
  }

  /** Resolves once `holds`, at once where it does. Rejects with `TIMEOUT`, `ABORTED`, and how the member ended. */
  async until(holds: () => boolean, limits: CallLimits, what: string): Promise<void> {
    if (holds()) return
    const pending = this.#deadlines.wait<void>(limits, (code, cause) => {
      const why = code === 'TIMEOUT' ? 'The deadline passed' : 'The call was aborted'
      return new StoreError(code, `${why} before ${what}.`, { cause, outcome: 'unknown' })
    })
    this.#waiting.set(pending, holds)
    await pending.promise.finally(() => this.#waiting.delete(pending))
  }

  turn(): void {
    for (const [pending, holds] of this.#waiting) if (holds()) pending.resolve(undefined)
  }

  rejectAll(code: EndCode, why: string, cause?: unknown): void {
    for (const pending of this.#waiting.keys()) pending.reject(new StoreError(code, why, { cause, outcome: 'unknown' }))
  }
}

/** How far a change of members has come: told as it goes on, and in the error where it does not get there. */
import { kind } from '../api/check-fields.js'
import type { MemberProgress } from '../api/cluster.js'
import { isStoreError, StoreError } from '../base/errors.js'

export class ChangeProgress {
  readonly #tell: ((progress: MemberProgress) => void) | undefined
  #told: MemberProgress | undefined
  /** In words: goes on behind "so far". */
  #reached = 'nothing was changed'

  /** Throws TypeError for what can be told nothing. */
  constructor(tell: ((progress: MemberProgress) => void) | undefined) {
    if (tell !== undefined && typeof tell !== 'function') {
      throw new TypeError(`onProgress must be a function, not ${kind(tell)}`)
    }
    this.#tell = tell
  }

  /** Tells it, unless that is what was told last. `reached`: what is so from here on, whatever becomes of the call. */
  at(step: MemberProgress['step'], percent: number, reached: string): void {
    this.reached(reached)
    if (this.#told?.step === step && this.#told.percent === percent) return
    this.#told = { step, percent }
    try {
      // It may be an async function, whatever its type says.
      const told: unknown = this.#tell?.({ step, percent })
      if (told !== undefined) Promise.resolve(told).catch(() => undefined)
    } catch {
      // A change of the cluster does not end because somebody could not hear of it.
    }
  }

  /** What is so from here on, of a change that has no steps to tell of. */
  reached(reached: string): void {
    this.#reached = reached
  }

  /** What the call rejects with, for what one of its steps was rejected with. */
  explain(error: unknown): unknown {
    if (!isStoreError(error) || (error.code !== 'TIMEOUT' && error.code !== 'ABORTED')) return error
    const why = error.code === 'TIMEOUT' ? 'The deadline passed' : 'The call was aborted'
    const then = 'What was done stays done; the same call made again goes on from there, on any member.'
    const text = `${why} before the members were as they are to be; so far ${this.#reached}. ${then}`
    return new StoreError(error.code, text, { outcome: 'unknown', cause: error.cause ?? error })
  }
}

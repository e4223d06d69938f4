/** Whether a member is open, and what ended it. */
import { StoreError } from '../base/errors.js'

export interface Ending {
  readonly code: 'CLOSED' | 'MEMBER_FAILED'
  readonly why: string
  readonly cause: unknown
}

export class Lifetime {
  /** Undefined while it is open. */
  #ending: Ending | undefined

  get ended(): boolean {
    return this.#ending !== undefined
  }

  /** Once for each member. */
  end(ending: Ending): void {
    this.#ending = ending
  }

  /** Throws `CLOSED`, `MEMBER_FAILED`. */
  checkOpen(): void {
    if (this.#ending === undefined) return
    const { code, why, cause } = this.#ending
    throw new StoreError(code, why, { cause })
  }
}

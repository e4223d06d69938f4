/** Whether a member is open, and what ended it. */
import { StoreError } from '../base/errors.js'

export type EndCode = 'CLOSED' | 'MEMBER_FAILED' | 'MEMBER_REMOVED'

export interface Ending {
  readonly code: EndCode
  readonly why: string
  readonly cause: unknown
}

export const CLOSED: Ending = { code: 'CLOSED', why: 'the store is closed', cause: undefined }

export class Lifetime {
  /** Undefined while it is open. */
  #ending: Ending | undefined
  #refusing = false

  get ended(): boolean {
    return this.#ending !== undefined
  }

  /** It is about to end: calls under way go on, new ones are refused. */
  get closing(): boolean {
    return this.#refusing
  }

  /** It was removed from the cluster. */
  get removed(): boolean {
    return this.#ending?.code === 'MEMBER_REMOVED'
  }

  refuse(): void {
    this.#refusing = true
  }

  /** Once for each member. */
  end(ending: Ending): void {
    this.#ending = ending
  }

  /** For what belongs to a call that is under way. Throws `CLOSED`, `MEMBER_FAILED`, `MEMBER_REMOVED`. */
  checkOpen(): void {
    if (this.#ending !== undefined) throw errorOf(this.#ending)
  }

  /** For what begins. Throws `CLOSED`, `MEMBER_FAILED`. */
  checkAdmits(): void {
    this.checkOpen()
    if (this.#refusing) throw errorOf(CLOSED)
  }
}

function errorOf({ code, why, cause }: Ending): StoreError {
  return new StoreError(code, why, { cause })
}

/**
 * What an instance says of itself, in versions: the one that is stored, and the one that is to be.
 *
 * Always: a version holds the changes of those before it. So who waits for one may be content with a later one.
 * Always: a version that cannot be stored is taken back, and those that were made of it: what is stored counts again. Kept, it
 * would stand in the way of every later change, and of registering again after the lease is lost.
 * Not here: storing it (registration.ts).
 */
import { mayTakeEffect, withUnknownOutcome } from '../failures.js'
import { encodeInstance, type AnyDescription } from './instance.js'

export interface Version {
  readonly number: number
  readonly description: AnyDescription
  /** As it is stored. */
  readonly text: string
}

export class Announcement {
  #wanted: Version
  #stored: Version | undefined
  #lastNumber = 0
  /** A put of what is not stored may have taken effect, or may yet. */
  #inDoubt = false
  #refusal: { readonly upTo: number; readonly error: unknown } | undefined

  /** Throws TypeError or RangeError, as what follows. */
  constructor(description: AnyDescription) {
    this.#wanted = this.#next(description)
  }

  get wanted(): Version {
    return this.#wanted
  }

  /** What is not given stays. */
  change({ address, metadata }: Partial<AnyDescription>): Version {
    const { description } = this.#wanted
    this.#wanted = this.#next({
      address: address === undefined ? description.address : address,
      metadata: metadata === undefined ? description.metadata : metadata,
    })
    return this.#wanted
  }

  /** A put of the wanted version failed with `error`, and is perhaps tried again. */
  failed(error: unknown): void {
    if (mayTakeEffect(error)) this.#inDoubt = true
  }

  stored(version: Version): void {
    this.#stored = version
    this.#inDoubt = false
  }

  /** Nothing else is wanted any more than what is stored; false where that is so already, or nothing was ever stored. */
  takeBack(error: unknown): boolean {
    const stored = this.#stored
    if (stored === undefined || this.#wanted === stored) return false
    this.#refusal = { upTo: this.#lastNumber, error: this.#inDoubt ? withUnknownOutcome(error) : error }
    this.#wanted = stored
    this.#inDoubt = false
    return true
  }

  isStored({ number }: Version): boolean {
    return this.#stored !== undefined && this.#stored.number >= number
  }

  /** Why this version was taken back; undefined where it was not. */
  refusalOf({ number }: Version): { readonly error: unknown } | undefined {
    return this.#refusal !== undefined && this.#refusal.upTo >= number ? this.#refusal : undefined
  }

  #next(description: AnyDescription): Version {
    const text = encodeInstance(description)
    return { number: ++this.#lastNumber, description, text }
  }
}

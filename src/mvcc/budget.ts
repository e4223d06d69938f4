/**
 * How much one transaction may touch while it is applied: every member does that work, at once and again at each replay,
 * so nobody may be able to ask for more than a moment of it.
 *
 * Always: counted on the state before the transaction, and from nothing but that state, so that every member counts alike
 * and what is refused has written nothing.
 */
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'

export class Budget {
  #keys = 0
  #valueBytes = 0

  /** Keys that may still be touched. */
  get keysLeft(): number {
    return LIMITS.transactionKeysMax - this.#keys
  }

  /** Throws `TOO_MANY_OPERATIONS`. */
  spendKeys(keys: number): void {
    this.#keys += keys
    if (this.#keys <= LIMITS.transactionKeysMax) return
    throw new StoreError(
      'TOO_MANY_OPERATIONS',
      `The transaction touches ${this.#keys} keys or more; at most ${LIMITS.transactionKeysMax} are allowed.`,
    )
  }

  /** Throws `TOO_MANY_OPERATIONS`. */
  spendValueBytes(bytes: number): void {
    this.#valueBytes += bytes
    if (this.#valueBytes <= LIMITS.transactionValueBytesMax) return
    throw new StoreError(
      'TOO_MANY_OPERATIONS',
      `The compares and the puts with \`ignoreValue\` of the transaction read values of ${this.#valueBytes} bytes or more; ` +
        `at most ${LIMITS.transactionValueBytesMax} are allowed.`,
    )
  }
}

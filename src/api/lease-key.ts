/** A key that hangs on a lease, by its name. */
import { keyBytes, keyText, type Key } from '../base/bytes.js'

export class LeaseKey {
  readonly #key: Key

  /** @internal */
  constructor(key: Key) {
    this.#key = key
  }

  /** The key as text (UTF-8). Use {@link keyBytes} for keys that are not text. */
  get key(): string {
    return keyText(this.#key)
  }

  get keyBytes(): Uint8Array {
    return keyBytes(this.#key)
  }
}

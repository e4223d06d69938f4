/**
 * Port of what must stay secret: numbers that nobody can guess, and the slow hash of a password. In production it is the
 * operating system, a simulation brings what it can repeat.
 */
import type { ScryptParameters } from './password-hash.js'

export interface Secrets {
  /** Bytes that nobody can guess; `base/random.ts` is not for secrets. */
  randomBytes(count: number): Uint8Array
  /** The scrypt key of `keyBytes` bytes; slow on purpose, and off the event loop where there is one. */
  scrypt(password: Uint8Array, salt: Uint8Array, keyBytes: number, parameters: ScryptParameters): Promise<Uint8Array>
}

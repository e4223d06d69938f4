/** The operating system's randomness and scrypt on its threads, behind base's port. */
import { randomBytes, scrypt, type ScryptOptions } from 'node:crypto'
import { promisify } from 'node:util'
import { scryptMemoryBytes, type ScryptParameters } from '../base/password-hash.js'
import type { Secrets } from '../base/secrets.js'

const derive = promisify<Uint8Array, Uint8Array, number, ScryptOptions, Buffer>(scrypt)

export const SYSTEM_SECRETS: Secrets = Object.freeze({
  randomBytes: (count: number): Uint8Array => randomBytes(count),
  scrypt: (
    password: Uint8Array,
    salt: Uint8Array,
    keyBytes: number,
    parameters: ScryptParameters,
  ): Promise<Uint8Array> => derive(password, salt, keyBytes, scryptOptions(parameters)),
})

/** As `node:crypto` takes them. */
export function scryptOptions(parameters: ScryptParameters): ScryptOptions {
  const { costLog2, blockSize, parallelization } = parameters
  // Node refuses more than `maxmem`, and counts a little differently.
  const maxmem = 2 * scryptMemoryBytes(parameters)
  return { N: 2 ** costLog2, r: blockSize, p: parallelization, maxmem }
}

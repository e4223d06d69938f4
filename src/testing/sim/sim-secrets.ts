/**
 * Secrets that a simulation can repeat: drawn from its seed, and passwords hashed at once, since threads of the operating
 * system finish when they like. Give members cheap hashes (`auth: { scrypt }`): the simulation stands still for each.
 */
import { scryptSync } from 'node:crypto'
import type { Random } from '../../base/random.js'
import type { Secrets } from '../../base/secrets.js'
import { scryptOptions } from '../../runtime/secrets.js'

export function simSecrets(random: Random): Secrets {
  return {
    randomBytes: (count) => Uint8Array.from({ length: count }, () => random.uint32() >>> 24),
    scrypt: (password, salt, keyBytes, parameters) =>
      Promise.resolve(scryptSync(password, salt, keyBytes, scryptOptions(parameters))),
  }
}

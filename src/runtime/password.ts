/**
 * Hashing and checking passwords: slow on purpose, and off the event loop.
 *
 * scrypt runs on the threads that the database also writes with. So one password at a time, and no more wait than a limit:
 * a flood of logins must not hold up the disk, nor take memory without bound.
 *
 * Always: no password in an error, in a log, or kept after the call; keys are compared in constant time; a user who does
 * not exist takes as long as a wrong password.
 */
import { timingSafeEqual } from 'node:crypto'
import { copyBytes } from '../base/bytes.js'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { PasswordHash, type ScryptParameters } from '../base/password-hash.js'
import type { Secrets } from '../base/secrets.js'
import { SYSTEM_SECRETS } from './secrets.js'

/** 32 MiB, and about a tenth of a second for each of the three: OWASP's advice for scrypt in this much memory. */
export const SCRYPT_DEFAULTS: ScryptParameters = { costLog2: 15, blockSize: 8, parallelization: 3 }

const SALT_BYTES = 16
const KEY_BYTES = 32

export interface PasswordsOptions {
  /** For new hashes. Those that exist are checked with their own. Default: {@link SCRYPT_DEFAULTS}. */
  readonly parameters?: ScryptParameters
  /** Where salts and keys come from. Default: the operating system. */
  readonly secrets?: Secrets
}

export class Passwords {
  readonly #parameters: ScryptParameters
  readonly #secrets: Secrets
  /** Settles, never rejects, when all who came before are done. */
  #last: Promise<unknown> = Promise.resolve()
  #waiting = 0

  constructor(options: PasswordsOptions = {}) {
    this.#parameters = options.parameters ?? SCRYPT_DEFAULTS
    this.#secrets = options.secrets ?? SYSTEM_SECRETS
  }

  /** Throws `PASSWORD_INVALID`, `TOO_MANY_REQUESTS`. */
  async hash(password: string): Promise<PasswordHash> {
    const bytes = bytesOf(password)
    const salt = this.#secrets.randomBytes(SALT_BYTES)
    const key = await this.#inTurn(bytes, salt, KEY_BYTES, this.#parameters)
    return PasswordHash.of(this.#parameters, salt, key)
  }

  /**
   * Whether it is the password of that hash; without a hash, of a user who does not exist, false after as much work.
   * One that could never have been set is false at once. Throws `TOO_MANY_REQUESTS`.
   */
  async verify(password: string, hash: PasswordHash | undefined): Promise<boolean> {
    if (!isUsable(password)) return false
    const salt = hash?.salt ?? new Uint8Array(SALT_BYTES)
    const expected = hash?.key ?? new Uint8Array(KEY_BYTES)
    const parameters = hash?.parameters ?? this.#parameters
    const key = await this.#inTurn(bytesOf(password), salt, expected.byteLength, parameters)
    return timingSafeEqual(key, expected) && hash !== undefined
  }

  async #inTurn(
    password: Uint8Array,
    salt: Uint8Array,
    keyBytes: number,
    parameters: ScryptParameters,
  ): Promise<Uint8Array> {
    if (this.#waiting >= LIMITS.passwordsWaitingMax) {
      throw new StoreError(
        'TOO_MANY_REQUESTS',
        `${this.#waiting} passwords wait to be hashed or checked; at most ${LIMITS.passwordsWaitingMax} may.`,
      )
    }
    this.#waiting++
    const done = this.#last.then(() => this.#secrets.scrypt(password, salt, keyBytes, parameters))
    this.#last = done.then(nothing, nothing)
    try {
      return await done
    } finally {
      this.#waiting--
      password.fill(0)
    }
  }
}

/** A copy, for wiping. The text itself stays in memory until it is collected; there is no way to wipe that. */
function bytesOf(password: string): Uint8Array {
  if (isUsable(password)) return copyBytes(password, 'the password')
  throw new StoreError(
    'PASSWORD_INVALID',
    `A password must be well-formed text of 1 to ${LIMITS.passwordBytesMax} bytes.`,
  )
}

/** The length first: of a password of many megabytes nothing more is looked at. */
function isUsable(password: string): boolean {
  if (password.length === 0 || password.length > LIMITS.passwordBytesMax) return false
  return password.isWellFormed() && Buffer.byteLength(password, 'utf8') <= LIMITS.passwordBytesMax
}

function nothing(): void {
  // The one who asked hears of the failure; who comes next does not care.
}

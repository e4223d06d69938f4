/** What `open({ auth })` takes: how tokens are made and how passwords are hashed. Checked once, here. */
import { PasswordHash, type ScryptParameters } from '../base/password-hash.js'
import { checkFields, type Fields } from '../api/check-fields.js'
import { JWT_SIGN_METHODS, type JwtOptions } from '../runtime/jwt.js'

export type { ScryptParameters } from '../base/password-hash.js'
export type { JwtOptions, JwtSignMethod } from '../runtime/jwt.js'

export interface AuthOptions {
  /**
   * What `auth.login()` gives, the same on all members. `simple` (default): a random text that the members which were
   * running then know, until they restart. `jwt`: a signed token that every member with the key believes until it expires.
   */
  readonly token?: 'simple' | { readonly jwt: JwtOptions }
  /** Milliseconds for which a simple token counts after it was last used. Default 300,000. */
  readonly simpleTokenTtlMs?: number
  /** How costly new password hashes are. Default: 2^15 rounds, block size 8, parallelization 3. */
  readonly scrypt?: ScryptParameters
}

/** The same, complete and checked but for the keys. */
export interface AuthSettings {
  readonly simpleTokenTtlMs: number
  readonly jwt: JwtOptions | undefined
  /** Undefined: the default. */
  readonly scrypt: ScryptParameters | undefined
}

const SIMPLE_TOKEN_TTL_MS = 300_000

const AUTH_FIELDS: Fields<AuthOptions> = { token: true, simpleTokenTtlMs: true, scrypt: true }
const JWT_FIELDS: Fields<JwtOptions> = { signMethod: true, privateKey: true, publicKey: true, ttlMs: true }
const SCRYPT_FIELDS: Fields<ScryptParameters> = { costLog2: true, blockSize: true, parallelization: true }

/** Throws TypeError or RangeError saying which option is wrong; never with a key in the message. */
export function authSettingsOf(options: AuthOptions = {}): AuthSettings {
  checkFields(options, AUTH_FIELDS, 'auth in open()')
  const { token = 'simple', simpleTokenTtlMs = SIMPLE_TOKEN_TTL_MS, scrypt } = options
  checkTtl('auth.simpleTokenTtlMs', simpleTokenTtlMs)
  if (scrypt !== undefined) checkScrypt(scrypt)
  if (token === 'simple') return { simpleTokenTtlMs, jwt: undefined, scrypt }
  checkFields(token, { jwt: true }, 'auth.token')
  const { jwt } = token
  if (jwt === undefined) throw new TypeError("auth.token must be 'simple' or { jwt: { signMethod, privateKey } }")
  checkJwt(jwt)
  return { simpleTokenTtlMs, jwt, scrypt }
}

function checkJwt(jwt: JwtOptions): void {
  checkFields(jwt, JWT_FIELDS, 'auth.token.jwt')
  if (!JWT_SIGN_METHODS.includes(jwt.signMethod)) {
    throw new TypeError(
      `auth.token.jwt.signMethod must be one of ${JWT_SIGN_METHODS.join(', ')}, not ${String(jwt.signMethod)}`,
    )
  }
  for (const name of ['privateKey', 'publicKey'] as const) {
    const value: unknown = jwt[name]
    if (typeof value === 'string' || ArrayBuffer.isView(value) || (name === 'publicKey' && value === undefined))
      continue
    throw new TypeError(`auth.token.jwt.${name} must be the text or the bytes of a key`)
  }
  if (jwt.ttlMs !== undefined) checkTtl('auth.token.jwt.ttlMs', jwt.ttlMs)
}

function checkTtl(option: string, ms: unknown): void {
  if (typeof ms !== 'number') throw new TypeError(`${option} must be a number of milliseconds, not ${typeof ms}`)
  if (!Number.isFinite(ms) || ms <= 0) throw new RangeError(`${option} must be a positive number, not ${ms}`)
}

/** As a hash with these would be checked. */
function checkScrypt(scrypt: ScryptParameters): void {
  checkFields(scrypt, SCRYPT_FIELDS, 'auth.scrypt')
  for (const [name, value] of Object.entries(scrypt)) {
    if (!Number.isSafeInteger(value)) throw new TypeError(`auth.scrypt.${name} must be a whole number`)
  }
  try {
    PasswordHash.of(scrypt, new Uint8Array(16), new Uint8Array(32))
  } catch (error) {
    throw new RangeError(`auth.scrypt cannot be used: ${(error as Error).message}`, { cause: error })
  }
}

/**
 * Signed tokens (JWT, RFC 7519), by the library `jose`, with etcd's claims: `username`, `revision` and `exp`.
 *
 * Every member that has the key believes them, also after a restart, and no member keeps a list. What was signed cannot be
 * taken back before it expires; so a token counts only as long as nothing about its user changed (auth/authorize.ts).
 *
 * Always: only the one method that was configured is accepted, whatever the header of a token says: neither "none", nor a
 * public key taken for the secret of another method. Always: one without an expiry is none of ours.
 */
import { createPrivateKey, createPublicKey, createSecretKey, type KeyObject } from 'node:crypto'
import { LIMITS } from '../base/limits.js'

/** How tokens are signed, as JOSE names it. */
export type JwtSignMethod = keyof typeof METHODS

export interface JwtOptions {
  readonly signMethod: JwtSignMethod
  /** In PEM (PKCS #8, PKCS #1 or SEC 1); for HS256, HS384 and HS512 the shared secret itself. */
  readonly privateKey: string | Uint8Array
  /** In PEM. Default: the one of `privateKey`, which it must match. */
  readonly publicKey?: string | Uint8Array
  /** Milliseconds for which a token counts, by the wall clock. Default 300,000. */
  readonly ttlMs?: number
}

/** Whom a token names. */
export interface JwtIdentity {
  readonly name: string
  /** Of users and roles when it was signed. */
  readonly authRevision: number
  readonly expiresAtMs: number
}

const RSA_BITS_MIN = 2048
const TTL_MS = 300_000

const METHODS = {
  RS256: rsa,
  RS384: rsa,
  RS512: rsa,
  PS256: rsa,
  PS384: rsa,
  PS512: rsa,
  ES256: (key: KeyObject) => isCurve(key, 'prime256v1') || 'a key on the curve P-256',
  ES384: (key: KeyObject) => isCurve(key, 'secp384r1') || 'a key on the curve P-384',
  ES512: (key: KeyObject) => isCurve(key, 'secp521r1') || 'a key on the curve P-521',
  EdDSA: (key: KeyObject) => key.asymmetricKeyType === 'ed25519' || 'an Ed25519 key',
  HS256: (key: KeyObject) => secretOf(key, 32),
  HS384: (key: KeyObject) => secretOf(key, 48),
  HS512: (key: KeyObject) => secretOf(key, 64),
} satisfies Record<string, (key: KeyObject) => true | string>

export const JWT_SIGN_METHODS: readonly string[] = Object.keys(METHODS)

export class JwtTokens {
  readonly #method: JwtSignMethod
  readonly #ttlMs: number
  readonly #signing: KeyObject
  readonly #verifying: KeyObject
  readonly #wallMs: () => number

  /** Throws TypeError for keys that are none or do not fit together or the method; never with a key in the message. */
  constructor(options: JwtOptions, wallMs: () => number) {
    const { signMethod, privateKey, publicKey, ttlMs = TTL_MS } = options
    this.#method = signMethod
    this.#ttlMs = ttlMs
    this.#wallMs = wallMs
    const symmetric = signMethod.startsWith('HS')
    if (symmetric && publicKey !== undefined) throw new TypeError(`${signMethod} has one secret and no publicKey`)
    this.#signing = symmetric
      ? createSecretKey(Buffer.from(privateKey))
      : keyFrom('privateKey', () => createPrivateKey(Buffer.from(privateKey)))
    const fits = METHODS[signMethod](this.#signing)
    if (fits !== true) throw new TypeError(`the privateKey for ${signMethod} must be ${fits}`)
    this.#verifying = symmetric ? this.#signing : createPublicKey(this.#signing)
    if (publicKey === undefined) return
    const given = keyFrom('publicKey', () => createPublicKey(Buffer.from(publicKey)))
    if (!this.#verifying.equals(given)) throw new TypeError('publicKey is not the one of privateKey')
  }

  async sign(name: string, authRevision: number): Promise<string> {
    const { SignJWT } = await import('jose')
    return new SignJWT({ username: name, revision: authRevision })
      .setProtectedHeader({ alg: this.#method, typ: 'JWT' })
      .setExpirationTime(Math.floor((this.#wallMs() + this.#ttlMs) / 1000))
      .sign(this.#signing)
  }

  /** Undefined for everything that is not a token of ours which still counts; why is not told. */
  async verify(token: string): Promise<JwtIdentity | undefined> {
    if (token.length > LIMITS.authTokenBytesMax) return undefined
    const { jwtVerify, errors } = await import('jose')
    try {
      const { payload } = await jwtVerify(token, this.#verifying, {
        algorithms: [this.#method],
        requiredClaims: ['exp'],
        currentDate: new Date(this.#wallMs()),
      })
      const { username, revision, exp } = payload
      if (typeof username !== 'string' || !username.isWellFormed() || !isRevision(revision) || exp === undefined)
        return undefined
      return { name: username, authRevision: revision, expiresAtMs: exp * 1000 }
    } catch (error) {
      if (error instanceof errors.JOSEError) return undefined
      throw error
    }
  }
}

function isRevision(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0
}

/** What OpenSSL says of a key that cannot be read may hold parts of it. */
function keyFrom(what: string, read: () => KeyObject): KeyObject {
  try {
    return read()
  } catch {
    throw new TypeError(`${what} must be a key in PEM, without a passphrase`)
  }
}

function rsa(key: KeyObject): true | string {
  const bits = key.asymmetricKeyType === 'rsa' ? (key.asymmetricKeyDetails?.modulusLength ?? 0) : 0
  return bits >= RSA_BITS_MIN || `an RSA key of at least ${RSA_BITS_MIN} bits`
}

function isCurve(key: KeyObject, curve: string): boolean {
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === curve
}

/** RFC 7518, 3.2: a secret is at least as long as the hash. */
function secretOf(key: KeyObject, bytes: number): true | string {
  return (key.symmetricKeySize ?? 0) >= bytes || `a secret of at least ${bytes} bytes`
}

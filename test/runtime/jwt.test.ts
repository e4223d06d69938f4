/** Signed tokens: ours are believed until they expire, and nothing else is. */
import { createHmac, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { JwtTokens, type JwtOptions, type JwtSignMethod } from '../../src/runtime/jwt.js'

const NOW_MS = 1_700_000_000_000
const pem = (key: KeyObject): string =>
  key.export({ type: key.type === 'private' ? 'pkcs8' : 'spki', format: 'pem' }).toString()
const pair = ({ privateKey, publicKey }: { readonly privateKey: KeyObject; readonly publicKey: KeyObject }) => ({
  privateKey: pem(privateKey),
  publicKey: pem(publicKey),
})

const RSA = pair(generateKeyPairSync('rsa', { modulusLength: 2048 }))
const EC = pair(generateKeyPairSync('ec', { namedCurve: 'P-256' }))
const SECRET = 's'.repeat(64)
const KEYS: readonly (readonly [JwtSignMethod, { readonly privateKey: string; readonly publicKey?: string }])[] = [
  ['RS256', RSA],
  ['PS512', RSA],
  ['ES256', EC],
  ['EdDSA', pair(generateKeyPairSync('ed25519'))],
  ['HS512', { privateKey: SECRET }],
]

function tokens(options: JwtOptions, nowMs = NOW_MS): JwtTokens {
  return new JwtTokens(options, () => nowMs)
}

const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const claims = { username: 'root', revision: 7, exp: NOW_MS / 1000 + 100 }

/** Signed with HMAC, by whoever has `key`. */
function forged(alg: string, key: string, payload: object = claims): string {
  const text = `${part({ alg, typ: 'JWT' })}.${part(payload)}`
  return `${text}.${createHmac(alg === 'HS512' ? 'sha512' : 'sha256', key)
    .update(text)
    .digest('base64url')}`
}

describe.each(KEYS)('signed with %s', (signMethod, keys) => {
  test('a token names its user and revision until it expires', async () => {
    const options = { signMethod, ...keys, ttlMs: 60_000 }
    const token = await tokens(options).sign('ann', 7)
    expect(await tokens(options).verify(token)).toEqual({ name: 'ann', authRevision: 7, expiresAtMs: NOW_MS + 60_000 })
    expect(await tokens(options, NOW_MS + 59_000).verify(token)).toBeDefined()
    expect(await tokens(options, NOW_MS + 60_000).verify(token)).toBeUndefined()
    // With another signature, without one, and with other claims under this one.
    const [header = '', , signature = ''] = token.split('.')
    expect(await tokens(options).verify(`${token.slice(0, -6)}AAAAAA`)).toBeUndefined()
    expect(await tokens(options).verify(token.slice(0, token.lastIndexOf('.') + 1))).toBeUndefined()
    expect(await tokens(options).verify(`${header}.${part(claims)}.${signature}`)).toBeUndefined()
  })
})

describe('what is not believed', () => {
  test.each<[string, string]>([
    ['a token that says it needs no signature', `${part({ alg: 'none', typ: 'JWT' })}.${part(claims)}.`],
    ['the public key taken for the secret of another method', forged('HS256', RSA.publicKey)],
    ['something else', 'abc'],
    ['nothing', ''],
    ['a text without end', 'a.'.repeat(100_000)],
  ])('%s', async (_what, token) => {
    expect(await tokens({ signMethod: 'RS256', ...RSA }).verify(token)).toBeUndefined()
  })

  test.each<[string, string]>([
    ['another method with the same secret', forged('HS256', SECRET)],
    ['another secret', forged('HS512', 'x'.repeat(64))],
    ['no expiry', forged('HS512', SECRET, { username: 'root', revision: 7 })],
    ['an expiry that has passed', forged('HS512', SECRET, { ...claims, exp: NOW_MS / 1000 })],
    ['no user', forged('HS512', SECRET, { ...claims, username: undefined })],
    ['a user that is no text', forged('HS512', SECRET, { ...claims, username: ['root'] })],
    ['no revision', forged('HS512', SECRET, { ...claims, revision: undefined })],
    ['a revision that is no whole number', forged('HS512', SECRET, { ...claims, revision: 1e99 })],
  ])('%s', async (_what, token) => {
    const ours = tokens({ signMethod: 'HS512', privateKey: SECRET })
    expect(await ours.verify(token)).toBeUndefined()
    expect(await ours.verify(forged('HS512', SECRET))).toMatchObject({ name: 'root' })
  })
})

describe('keys', () => {
  const other = pair(generateKeyPairSync('ec', { namedCurve: 'P-384' }))

  test.each<[string, JwtOptions, string]>([
    ['that are none', { signMethod: 'RS256', privateKey: 'secret-key' }, 'privateKey must be a key in PEM'],
    ['of another kind', { signMethod: 'RS256', privateKey: EC.privateKey }, 'an RSA key of at least 2048 bits'],
    ['on another curve', { signMethod: 'ES256', privateKey: other.privateKey }, 'a key on the curve P-256'],
    ['that are no pair', { signMethod: 'ES384', ...other, publicKey: EC.publicKey }, 'not the one of privateKey'],
    ['too short', { signMethod: 'HS256', privateKey: 'secret-key' }, 'a secret of at least 32 bytes'],
    ['of two kinds', { signMethod: 'HS256', privateKey: SECRET, publicKey: 'x' }, 'one secret and no publicKey'],
  ])('%s are refused, without a word of them', (_what, options, message) => {
    expect(() => tokens(options)).toThrow(message)
    expect(() => tokens(options)).toThrow(/^(?!.*secret-key)/)
  })
})

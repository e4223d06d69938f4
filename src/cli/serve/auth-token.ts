/**
 * `--auth-token`: `simple`, or `jwt` with its options, whose keys are in files.
 *
 * Always: no error tells what is in a file.
 */
import { JWT_SIGN_METHODS, type JwtOptions, type JwtSignMethod } from '../../runtime/jwt.js'
import type { AuthOptions } from '../../store/auth-options.js'
import { durationMsOf } from './duration.js'
import type { Values } from './flags.js'
import { nearest } from './nearest.js'
import { SettingError } from './setting-error.js'

const JWT_FIELDS = ['sign-method', 'priv-key', 'pub-key', 'ttl'] as const

/** Throws {@link SettingError}. */
export function authOf(values: Values, readFile: (path: string) => string): AuthOptions {
  const simpleTokenTtlMs = values['auth-token-ttl'] * 1000
  const [type = '', ...pairs] = values['auth-token'].split(',')
  switch (type) {
    case 'simple':
    case '':
      return { token: 'simple', simpleTokenTtlMs }
    case 'jwt':
      return { token: { jwt: jwtOf(fieldsOf(pairs), readFile) }, simpleTokenTtlMs }
    default:
      throw new SettingError('--auth-token begins with simple or jwt, and with nothing else')
  }
}

type Fields = ReadonlyMap<(typeof JWT_FIELDS)[number], string>

function fieldsOf(pairs: readonly string[]): Fields {
  return new Map(
    pairs.map((pair) => {
      const [field = ''] = pair.split('=', 1)
      const known = JWT_FIELDS.find((each) => each === field)
      if (known !== undefined) return [known, pair.slice(field.length + 1)]
      throw new SettingError(
        `--auth-token takes no ${field}${nearest(field, JWT_FIELDS)}, only ${JWT_FIELDS.join(', ')}`,
      )
    }),
  )
}

function jwtOf(fields: Fields, readFile: (path: string) => string): JwtOptions {
  const method = fields.get('sign-method') ?? ''
  if (!isMethod(method)) {
    throw new SettingError(`--auth-token=jwt needs sign-method=..., one of ${JWT_SIGN_METHODS.join(', ')}`)
  }
  const secret = fields.get('priv-key')
  if (secret === undefined) {
    throw new SettingError(
      '--auth-token=jwt needs priv-key=FILE: any member may be asked to log somebody in, and signs for it',
    )
  }
  const pub = fields.get('pub-key')
  const ttl = fields.get('ttl')
  return {
    signMethod: method,
    privateKey: keyIn(secret, 'priv-key', readFile),
    // With a shared secret there is no other key; etcd's users give the same file for both.
    ...(pub === undefined || method.startsWith('HS') ? {} : { publicKey: keyIn(pub, 'pub-key', readFile) }),
    ...(ttl === undefined ? {} : { ttlMs: ttlMsOf(ttl) }),
  }
}

function isMethod(text: string): text is JwtSignMethod {
  return JWT_SIGN_METHODS.includes(text)
}

function keyIn(path: string, field: string, readFile: (path: string) => string): string {
  try {
    return readFile(path)
  } catch (error) {
    throw new SettingError(`${field} of --auth-token cannot be read: ${(error as Error).message}`)
  }
}

function ttlMsOf(text: string): number {
  try {
    const ms = durationMsOf(text)
    if (ms > 0) return ms
  } catch {
    // Told below.
  }
  throw new SettingError(`ttl of --auth-token is a duration like 10m, not ${text}`)
}

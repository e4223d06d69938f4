/** What `connect()` takes. Checked once, here; everything inside receives complete values. */
import type { Environment } from '../../base/clock.js'
import type { Logger } from '../../base/logger.js'
import { checkTimeout } from '../../api/check-call.js'
import { checkFields, kind, type Fields } from '../../api/check-fields.js'
import { systemEnvironment } from '../../runtime/system.js'
import { endpointOf, type Endpoint } from './endpoint.js'

export interface ConnectTlsOptions {
  /** Certificates as PEM of the authorities that the server's certificate is to be issued by; or the file with them. Default: those that Node trusts. */
  readonly ca?: string | undefined
  readonly caFile?: string | undefined
  /** The client's own certificate as PEM, where the server asks for one; or the file with it. */
  readonly cert?: string | undefined
  readonly certFile?: string | undefined
  /** Its private key as PEM; or the file with it. */
  readonly key?: string | undefined
  readonly keyFile?: string | undefined
  /** The name in the server's certificate, where it is not the host of the endpoint. */
  readonly serverName?: string | undefined
  /** Takes any certificate: whoever stands between can read and change everything. For tests. Default false. */
  readonly insecureSkipVerify?: boolean | undefined
}

export type ConnectAuth =
  /** Logs in, and again whenever its token counts no more. */
  | { readonly user: string; readonly password: string }
  /** As somebody else got it, from `auth.login()`, say. */
  | { readonly token: string }

export interface ConnectOptions {
  /**
   * Where the members of the cluster listen to clients: `['10.0.0.1:2379', 'https://10.0.0.2:2379']`. One of them is asked, and
   * another one when that does not answer. Default port 2379; `https://`, or `tls` beside an endpoint without `http://`, is
   * with TLS.
   */
  readonly endpoints: readonly string[] | string
  readonly tls?: ConnectTlsOptions | undefined
  /** Who calls, where authorization is enabled. Default: nobody, or the user that the client certificate names. */
  readonly auth?: ConnectAuth | undefined
  /** Milliseconds that a call without a `timeoutMs` of its own may take. Default 7000, as of a member with etcd's election timeout. */
  readonly timeoutMs?: number | undefined
  /** Default: the one of `environment`, or says nothing. */
  readonly logger?: Logger | undefined
  /** Clock, timers and randomness. Default: the real ones. */
  readonly environment?: Environment | undefined
}

export interface ConnectSettings {
  readonly endpoints: readonly Endpoint[]
  readonly tls: ConnectTlsOptions
  readonly auth: ConnectAuth | undefined
  readonly timeoutMs: number
  readonly environment: Environment
}

const OPTIONS: Fields<ConnectOptions> = {
  ...{ endpoints: true, tls: true, auth: true, timeoutMs: true, logger: true, environment: true },
}
const TLS_TEXTS = ['ca', 'caFile', 'cert', 'certFile', 'key', 'keyFile', 'serverName'] as const
const TLS: Fields<ConnectTlsOptions> = {
  ...{ ca: true, caFile: true, cert: true, certFile: true, key: true, keyFile: true, serverName: true },
  insecureSkipVerify: true,
}
const AUTH = { user: true, password: true, token: true } as const

/** What a call takes at most on a server with etcd's default election timeout. */
const TIMEOUT_MS = 7000

/** Throws TypeError, RangeError. No error says what a password, a token or a key is. */
export function connectSettingsOf(options: ConnectOptions): ConnectSettings {
  if (options === undefined) throw new TypeError('the options are missing: connect({ endpoints })')
  checkFields(options, OPTIONS, 'connect()')
  const { tls, auth, timeoutMs = TIMEOUT_MS, logger, environment = systemEnvironment() } = options
  checkTls(tls)
  checkAuth(auth)
  checkTimeout(timeoutMs)
  return {
    endpoints: endpointsOf(options.endpoints, tls !== undefined),
    tls: tls ?? {},
    auth,
    timeoutMs,
    environment: logger === undefined ? environment : { ...environment, logger },
  }
}

function endpointsOf(given: ConnectOptions['endpoints'], secure: boolean): readonly Endpoint[] {
  const list = typeof given === 'string' ? [given] : given
  if (!Array.isArray(list)) throw new TypeError(`endpoints must be a list of addresses, not ${kind(given)}`)
  if (list.length === 0) throw new TypeError('endpoints must name one address at least')
  return list.map((each) => endpointOf(each, secure))
}

function checkTls(tls: ConnectTlsOptions | undefined): void {
  checkFields(tls, TLS, 'tls of connect()')
  if (tls === undefined) return
  for (const name of TLS_TEXTS) {
    const text: unknown = tls[name]
    if (text === undefined || (typeof text === 'string' && text !== '')) continue
    throw new TypeError(`tls.${name} must be a string that is not empty, not ${kind(text)}`)
  }
  for (const name of ['ca', 'cert', 'key'] as const) {
    if (tls[name] === undefined || tls[`${name}File`] === undefined) continue
    throw new TypeError(`tls takes ${name} or ${name}File, not both`)
  }
  const has = (name: 'cert' | 'key'): boolean => (tls[name] ?? tls[`${name}File`]) !== undefined
  if (has('cert') !== has('key')) {
    throw new TypeError('tls takes a certificate together with its key: cert or certFile, and key or keyFile')
  }
}

function checkAuth(auth: ConnectAuth | undefined): void {
  checkFields(auth, AUTH, 'auth of connect()')
  if (auth === undefined) return
  const { user, password, token } = auth as { user?: unknown; password?: unknown; token?: unknown }
  const ofUser = typeof user === 'string' && typeof password === 'string' && token === undefined
  const ofToken = typeof token === 'string' && user === undefined && password === undefined
  if (!ofUser && !ofToken) throw new TypeError('auth of connect() must be { user, password } or { token }, all texts')
}

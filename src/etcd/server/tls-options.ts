/** What TLS for clients is made of; checked once, here. */
import { LIMITS } from '../../base/limits.js'
import { checkFields, type Fields } from '../../api/check-fields.js'
import type { PemSource } from '../../runtime/tls-files.js'

/** Each text as PEM, or the file with it, which is read again when it changes. */
export interface EtcdTlsOptions {
  /** The certificate, with those between it and its authority behind it. */
  readonly cert?: string
  readonly certFile?: string
  readonly key?: string
  readonly keyFile?: string
  /** Of the private key, where it is encrypted. */
  readonly passphrase?: string
  /** The authorities that issue certificates of clients. With them every client must show one. */
  readonly trustedCa?: string
  readonly trustedCaFile?: string
  /** The common name of a client's certificate is its user, where authorization is enabled and it sends no token. */
  readonly clientCertAuth?: boolean
  /** Certificates of clients that do not count any more: a list as PEM, for every authority of `trustedCa`. */
  readonly crl?: string
  readonly crlFile?: string
  /** A client's certificate must be one for this host name. Default: any. */
  readonly allowedHostname?: string
  /** A client's certificate must have one of these as its common name. Default: any. */
  readonly allowedNames?: readonly string[]
  /** Default: `TLSv1.2`. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3'
  readonly maxVersion?: 'TLSv1.2' | 'TLSv1.3'
  /** Of TLS 1.2, as `node:tls` names them. Default: those of Node. */
  readonly ciphers?: string
  /** Milliseconds between two looks at the files. Default LIMITS.tlsReloadIntervalMs; Infinity: never again. */
  readonly reloadIntervalMs?: number
}

export interface EtcdTlsSettings {
  readonly cert: PemSource
  readonly key: PemSource
  readonly ca: PemSource | undefined
  readonly crl: PemSource | undefined
  readonly passphrase: string | undefined
  readonly clientCertAuth: boolean
  readonly allowedHostname: string | undefined
  readonly allowedNames: readonly string[] | undefined
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  readonly maxVersion: 'TLSv1.2' | 'TLSv1.3' | undefined
  readonly ciphers: string | undefined
  readonly reloadIntervalMs: number
}

const FIELDS: Fields<EtcdTlsOptions> = {
  cert: true,
  certFile: true,
  key: true,
  keyFile: true,
  passphrase: true,
  trustedCa: true,
  trustedCaFile: true,
  clientCertAuth: true,
  crl: true,
  crlFile: true,
  allowedHostname: true,
  allowedNames: true,
  minVersion: true,
  maxVersion: true,
  ciphers: true,
  reloadIntervalMs: true,
}

/** Throws TypeError, RangeError. Whether the certificates are any good is seen when they are used. */
export function checkEtcdTls(options: EtcdTlsOptions): EtcdTlsSettings {
  checkFields(options, FIELDS, 'tls of serveEtcd()')
  const { passphrase, allowedHostname, allowedNames, ciphers, maxVersion } = options
  const { minVersion = 'TLSv1.2', clientCertAuth = false, reloadIntervalMs = LIMITS.tlsReloadIntervalMs } = options
  const ca = sourceOf('trustedCa', options.trustedCa, options.trustedCaFile)
  if (clientCertAuth && ca === undefined) {
    throw new TypeError(
      'tls.clientCertAuth needs trustedCa or trustedCaFile: nobody could show a certificate that counts',
    )
  }
  if (!(reloadIntervalMs >= LIMITS.tlsReloadIntervalMsMin)) {
    throw new RangeError(
      `tls.reloadIntervalMs must be ${LIMITS.tlsReloadIntervalMsMin} or more, not ${reloadIntervalMs}`,
    )
  }
  return {
    cert: needed('cert', sourceOf('cert', options.cert, options.certFile)),
    key: needed('key', sourceOf('key', options.key, options.keyFile)),
    ca,
    crl: sourceOf('crl', options.crl, options.crlFile),
    ...{ passphrase, clientCertAuth, allowedHostname, ciphers, reloadIntervalMs },
    allowedNames: allowedNames && [...allowedNames],
    minVersion: version('minVersion', minVersion),
    maxVersion: maxVersion && version('maxVersion', maxVersion),
  }
}

function sourceOf(name: string, pem: string | undefined, file: string | undefined): PemSource | undefined {
  if (pem !== undefined && file !== undefined) throw new TypeError(`tls takes one of ${name} and ${name}File, not both`)
  const text: unknown = pem ?? file
  if (text === undefined) return undefined
  if (typeof text !== 'string' || text === '') throw new TypeError(`tls.${name} must be a string that is not empty`)
  return pem === undefined ? { file: text } : { pem: text }
}

function needed(name: string, source: PemSource | undefined): PemSource {
  if (source === undefined) throw new TypeError(`tls needs one of ${name} and ${name}File`)
  return source
}

function version<Version extends string>(name: string, given: Version): Version {
  if (given === 'TLSv1.2' || given === 'TLSv1.3') return given
  throw new TypeError(`tls.${name} must be 'TLSv1.2' or 'TLSv1.3', not ${String(given)}`)
}

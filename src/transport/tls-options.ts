/**
 * What a transport is given to encrypt and to know its peers by: mutual TLS, so that both ends of every connection show a
 * certificate of the cluster's own authority. Checked once, here.
 *
 * Always: no error names what a key or a passphrase is.
 */
import { LIMITS } from '../base/limits.js'
import type { PemSource } from '../runtime/tls-files.js'

export interface TlsOptions {
  /** This member's certificate as PEM, with those between it and the authority behind it; or the file with it. */
  readonly cert?: string
  readonly certFile?: string
  /** Its private key as PEM; or the file with it. */
  readonly key?: string
  readonly keyFile?: string
  /** Certificates as PEM of the authorities that issue those of members, and nothing else; or the file with them. */
  readonly ca?: string
  readonly caFile?: string
  /** Of the private key, where it is encrypted. */
  readonly passphrase?: string
  /** Who calls must have one of these as common name or alternative name, besides being who it says it is. Default: any. */
  readonly allowedNames?: readonly string[]
  /**
   * The name in the certificates of all members, where it is not the host of their addresses. They are then known to be
   * members of the cluster, and no longer each by itself.
   */
  readonly serverName?: string
  /**
   * Milliseconds between two looks at the files, whose new contents count for new connections. Default
   * LIMITS.tlsReloadIntervalMs; Infinity: never again.
   */
  readonly reloadIntervalMs?: number
}

export interface TlsSettings {
  readonly cert: PemSource
  readonly key: PemSource
  readonly ca: PemSource
  readonly passphrase: string | undefined
  readonly allowedNames: readonly string[] | undefined
  readonly serverName: string | undefined
  readonly reloadIntervalMs: number
}

const TEXTS = ['cert', 'certFile', 'key', 'keyFile', 'ca', 'caFile', 'passphrase', 'serverName'] as const
const NAMES: ReadonlySet<string> = new Set([...TEXTS, 'allowedNames', 'reloadIntervalMs'])

/** Throws TypeError or RangeError. Whether the certificates are any good is seen when they are used. */
export function checkTlsOptions(options: TlsOptions): TlsSettings {
  if (typeof options !== 'object' || (options as unknown) === null) throw new TypeError('tls must be an object')
  const unknown = Object.keys(options).find((name) => !NAMES.has(name))
  if (unknown !== undefined) throw new TypeError(`tls knows no option ${unknown}, only ${[...NAMES].join(', ')}`)
  for (const name of TEXTS) {
    const text: unknown = options[name]
    if (text === undefined || (typeof text === 'string' && text !== '')) continue
    throw new TypeError(`tls.${name} must be a string that is not empty`)
  }
  const { passphrase, serverName } = options
  return {
    cert: sourceOf('cert', options.cert, options.certFile),
    key: sourceOf('key', options.key, options.keyFile),
    ca: sourceOf('ca', options.ca, options.caFile),
    ...{ passphrase, serverName },
    allowedNames: checkNames(options.allowedNames),
    reloadIntervalMs: checkInterval(options.reloadIntervalMs ?? LIMITS.tlsReloadIntervalMs),
  }
}

/** All three are needed: without `ca`, any authority that the system trusts could make members. */
function sourceOf(name: 'cert' | 'key' | 'ca', pem: string | undefined, file: string | undefined): PemSource {
  if (pem !== undefined && file === undefined) return { pem }
  if (file !== undefined && pem === undefined) return { file }
  throw new TypeError(`tls needs one of ${name} and ${name}File, ${pem === undefined ? 'and has none' : 'not both'}`)
}

function checkNames(names: readonly string[] | undefined): readonly string[] | undefined {
  if (names === undefined) return undefined
  const given: readonly unknown[] = Array.isArray(names) ? names : []
  if (given.length === 0 || given.some((name) => typeof name !== 'string' || name === '')) {
    throw new TypeError('tls.allowedNames must be a list of names, with one at least')
  }
  return [...names]
}

function checkInterval(intervalMs: number): number {
  if (typeof intervalMs !== 'number') throw new TypeError('tls.reloadIntervalMs must be a number')
  const { tlsReloadIntervalMsMin } = LIMITS
  if (intervalMs >= tlsReloadIntervalMsMin) return intervalMs
  throw new RangeError(`tls.reloadIntervalMs must be ${tlsReloadIntervalMsMin} or more, not ${intervalMs}`)
}

/**
 * Addresses of members over HTTP: `http://host:port/path`, or `https://…`.
 *
 * The path is that under which the member is reached from outside. A proxy may give it another one inside, so it is not
 * compared with what a member listens under.
 */
import { StoreError } from '../base/errors.js'
import { quote } from '../base/quote.js'
import { formatAddress } from './address.js'
import type { HostPort } from './address.js'

export interface HttpAddress extends HostPort {
  /** Whether it is `https:`. */
  readonly secure: boolean
  /** Without a slash at its end: '' for the root. */
  readonly path: string
}

/** Segments of what RFC 3986 allows in a path, none of them empty. */
const PATH = /^(?:\/(?:[\w.~!$&'()*+,;=:@-]|%[0-9a-fA-F]{2})+)*$/

/** Takes an address apart. Throws `ADDRESS_INVALID`. */
export function parseHttpAddress(address: string): HttpAddress {
  const url = URL.canParse(address) ? new URL(address) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw invalid(address, 'it is not of the form http://host:port/path or https://host:port/path')
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw invalid(address, 'it may hold a scheme, a host, a port and a path, and nothing else')
  }
  const path = url.pathname.replace(/\/$/, '')
  if (!PATH.test(path))
    throw invalid(address, 'its path has an empty segment, or a character that a path does not have')
  const secure = url.protocol === 'https:'
  const port = url.port === '' ? (secure ? 443 : 80) : Number(url.port)
  if (port === 0) throw invalid(address, 'nobody can be called on port 0')
  return { secure, host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port, path }
}

export function formatHttpAddress(address: HttpAddress): string {
  return `${address.secure ? 'https' : 'http'}://${formatAddress(address)}${address.path}`
}

/** Whether who is called there is called without TLS. */
export function isPlain(address: string): boolean {
  return /^http:/i.test(address)
}

/** The path that a member listens under, without a slash at its end. Throws `RangeError`. */
export function checkPath(path: string): string {
  const bare = path.replace(/\/$/, '')
  if (PATH.test(bare)) return bare
  throw new RangeError(`path begins with a slash and has no empty segment, as '/quorate' does, not ${quote(path)}`)
}

function invalid(address: string, why: string): StoreError {
  return new StoreError('ADDRESS_INVALID', `The address ${quote(address)} cannot be used: ${why}.`)
}

/**
 * Addresses as people write them: `host:port`, and `[host]:port` for IPv6.
 *
 * Not here: resolving names. That is left to the dialling, each time anew, since the answer may change.
 */
import { isIPv4, isIPv6 } from 'node:net'
import { StoreError } from '../base/errors.js'
import { quote } from '../base/quote.js'

export interface HostPort {
  /** Without brackets. */
  readonly host: string
  /** 0 to 65535; 0 asks for any free port when listening. */
  readonly port: number
}

/** Takes an address apart. Throws `ADDRESS_INVALID`. */
export function parseAddress(address: string): HostPort {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/@]+)):(\d{1,5})$/.exec(address)
  if (match === null) throw invalid(address, 'it is not of the form host:port, or [host]:port for IPv6')
  const host = match[1] ?? match[2] ?? ''
  const port = Number(match[3])
  if (match[1] !== undefined && !isIPv6(host)) throw invalid(address, 'what stands in brackets is not an IPv6 address')
  if (port > 65_535) throw invalid(address, 'a port is at most 65535')
  return { host, port }
}

export function formatAddress(address: HostPort): string {
  return address.host.includes(':') ? `[${address.host}]:${address.port}` : `${address.host}:${address.port}`
}

/**
 * Whether what listens there can be reached from this machine only. Of names only `localhost` counts: where any other
 * one points to is not ours to trust.
 */
export function isLoopback(host: string): boolean {
  if (isIPv4(host)) return host.startsWith('127.')
  // A socket that takes both families tells a caller of the older one in the form ::ffff:127.0.0.1.
  if (isIPv6(host)) return host === '::1' || /^((0{1,4}:){7}0{0,3}1|::ffff:127\.[\d.]+)$/i.test(host)
  return host.toLowerCase() === 'localhost'
}

function invalid(address: string, why: string): StoreError {
  return new StoreError('ADDRESS_INVALID', `The address ${quote(address)} cannot be used: ${why}.`)
}

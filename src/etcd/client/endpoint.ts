/** Where a server listens, as it is written in the list of endpoints: `host:port`, a URL, or the path of a socket. */
import { quote } from '../../base/quote.js'

export interface Endpoint {
  /** As it was given. */
  readonly url: string
  /** As gRPC takes it. */
  readonly target: string
  readonly secure: boolean
}

/** etcd's, for clients. */
const PORT = 2379

/**
 * Throws TypeError for what is none.
 *
 * @param secure of an endpoint that does not say so itself.
 */
export function endpointOf(given: unknown, secure: boolean): Endpoint {
  if (typeof given !== 'string' || given === '') {
    throw new TypeError(`an endpoint must be a text like '127.0.0.1:2379', not ${described(given)}`)
  }
  const [, scheme, rest = given] = /^([a-z]+):\/\/(.*)$/.exec(given) ?? []
  switch (scheme) {
    case 'unix':
    case 'unixs':
      return { url: given, target: `unix:${rest}`, secure: scheme === 'unixs' }
    case undefined:
      return { url: given, target: hostTarget(given, rest), secure }
    case 'http':
    case 'https':
      return { url: given, target: hostTarget(given, rest.replace(/\/$/, '')), secure: scheme === 'https' }
    default:
      throw new TypeError(`an endpoint begins with http://, https:// or unix://, or is host:port; not ${quote(given)}`)
  }
}

const HOST_AND_PORT = /^(\[[0-9a-fA-F:.]+\]|[^:/?#@[\]\s]+)(?::(\d{1,5}))?$/

function hostTarget(given: string, authority: string): string {
  const [, host, port = `${PORT}`] = HOST_AND_PORT.exec(authority) ?? []
  if (host === undefined || Number(port) > 0xffff || Number(port) === 0) {
    throw new TypeError(`an endpoint is host:port, as in 'https://10.0.0.1:2379' or '[::1]:2379'; not ${quote(given)}`)
  }
  return `dns:${host}:${port}`
}

function described(given: unknown): string {
  return given === '' ? 'an empty one' : given === null ? 'null' : typeof given
}

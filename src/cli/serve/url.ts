/** URLs as etcd takes them: a scheme, a host with a port, and nothing behind. */
import { isIP, isIPv6 } from 'node:net'
import { ValueError } from './value-error.js'

export type Scheme = 'http' | 'https' | 'unix' | 'unixs'

export interface Url {
  /** As it was given. */
  readonly text: string
  readonly scheme: Scheme
  /** Without brackets; of a unix socket its path. */
  readonly host: string
  /** Of a unix socket 0. */
  readonly port: number
}

/** Throws {@link ValueError}. */
export function urlOf(text: string): Url {
  const [, scheme = '', rest = ''] = /^([A-Za-z]+):\/\/(.*)$/s.exec(text) ?? []
  switch (scheme) {
    case 'unix':
    case 'unixs':
      if (rest === '') throw new ValueError(`must be URLs; ${text} names no path`)
      return { text, scheme, host: rest, port: 0 }
    case 'http':
    case 'https': {
      const [, bracketed, plain = '', digits = ''] = /^(?:\[([^\]]+)\]|([^:/?#\s@[\]]+)):(\d{1,5})$/.exec(rest) ?? []
      const port = digits === '' ? NaN : Number(digits)
      const host = bracketed ?? plain
      if (!(port <= 65_535) || (bracketed !== undefined && !isIPv6(host.replace(/%.*$/, '')))) {
        throw new ValueError(
          `must be URLs like ${scheme}://10.0.0.1:2379, with a host, a port and nothing behind, not ${text}`,
        )
      }
      return { text, scheme, host, port }
    }
    default:
      throw new ValueError(
        `must be URLs that begin with http://, https://, unix:// or unixs://, not ${text || 'empty'}`,
      )
  }
}

/** `host:port`, as `open()` takes it. */
export function addressOf({ host, port }: Url): string {
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`
}

export function isSecure({ scheme }: Url): boolean {
  return scheme === 'https' || scheme === 'unixs'
}

export function isUnix({ scheme }: Url): boolean {
  return scheme === 'unix' || scheme === 'unixs'
}

/** Whether a server can be bound to it: an address, not a name that may stand for anything. */
export function canBeListenedOn(url: Url): boolean {
  return isUnix(url) || isIP(url.host) !== 0 || url.host === 'localhost'
}

export function textsOf(urls: readonly Url[]): readonly string[] {
  return urls.map(({ text }) => text)
}

/** Where clients are served, as etcd writes it: `http://host:port`, `https://host:port`, `unix://path`, `unixs://path`. */
import { StoreError } from '../../base/errors.js'
import { quote } from '../../base/quote.js'

export type ClientUrl = {
  /** With TLS. */
  readonly secure: boolean
} & (
  | {
      readonly type: 'tcp'
      /** Without brackets. */ readonly host: string
      /** 0: any that is free. */ readonly port: number
    }
  | { readonly type: 'unix'; readonly path: string }
)

const UNIX = /^unix(s?):\/\/(.+)$/

/** Throws `ADDRESS_INVALID`. */
export function parseClientUrl(text: string): ClientUrl {
  const unix = UNIX.exec(text)
  if (unix !== null) return { type: 'unix', secure: unix[1] === 's', path: unix[2] ?? '' }
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw invalid(text, 'it is not of the form http://host:port, https://host:port or unix://path')
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '' || url.pathname !== '/') {
    throw invalid(text, 'it may hold a scheme, a host and a port, and nothing else')
  }
  const secure = url.protocol === 'https:'
  const port = url.port === '' ? (secure ? HTTPS_PORT : HTTP_PORT) : Number(url.port)
  return { type: 'tcp', secure, host: url.hostname.replace(/^\[(.*)\]$/, '$1'), port }
}

const HTTP_PORT = 80
const HTTPS_PORT = 443

/** @param port the one that was chosen for 0. */
export function formatClientUrl(url: ClientUrl, port?: number): string {
  const s = url.secure ? 's' : ''
  if (url.type === 'unix') return `unix${s}://${url.path}`
  const host = url.host.includes(':') ? `[${url.host}]` : url.host
  return `http${s}://${host}:${port ?? url.port}`
}

function invalid(text: string, why: string): StoreError {
  return new StoreError('ADDRESS_INVALID', `The URL ${quote(text)} cannot be used: ${why}.`)
}

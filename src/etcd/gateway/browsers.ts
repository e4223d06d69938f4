/**
 * What is allowed to pages in browsers: by their origins (CORS), and by the names under which they reach this server.
 *
 * A page of anybody may ask its browser to call a server within the network of whoever looks at it; and may let a name of its
 * own lead there ("DNS rebinding", CVE-2018-5702), so that its own origin is asked. Against the first stands the list of
 * origins, against the second the list of names.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { TLSSocket } from 'node:tls'
import { quote } from '../../base/quote.js'
import { answerText } from './answer.js'

export interface BrowserSettings {
  /** Origins whose pages may call; `*`, or none: all. */
  readonly cors: readonly string[]
  /** Names of this host by which it may be called without TLS; `*`, or none: all. */
  readonly hostWhitelist: readonly string[]
}

/** Whether the request is to be answered. If not, it was; and so was the question of a browser whether it may ask. */
export function admitsBrowser(request: IncomingMessage, response: ServerResponse, settings: BrowserSettings): boolean {
  const host = hostnameOf(request)
  if (!isEncrypted(request) && !isListed(settings.hostWhitelist, host)) {
    answerText(
      response,
      421,
      `The name ${quote(host)} in the header Host is none of this server: it is not in its host whitelist (--host-whitelist).\nAdd it there, or use TLS, where it is not asked for. This keeps pages in browsers out that let a name of their own lead here (CVE-2018-5702).\n`,
    )
    return false
  }
  allowOrigin(request, response, settings.cors)
  if (request.method !== 'OPTIONS') return true
  response.setHeader('Content-Length', 0)
  response.end()
  return false
}

function allowOrigin(request: IncomingMessage, response: ServerResponse, cors: readonly string[]): void {
  const { origin } = request.headers
  const isOpen = isListed(cors, '*')
  if (!isOpen) response.setHeader('Vary', 'Origin')
  if (!isOpen && (origin === undefined || !isListed(cors, origin))) return
  response.setHeader('Access-Control-Allow-Methods', 'POST, GET, OPTIONS, PUT, DELETE')
  response.setHeader('Access-Control-Allow-Origin', isOpen ? '*' : (origin as string))
  response.setHeader('Access-Control-Allow-Headers', 'accept, content-type, authorization')
}

function isListed(list: readonly string[], name: string): boolean {
  return list.length === 0 || list.includes('*') || list.includes(name)
}

/** Without the port. An IPv6 address is without its brackets. */
function hostnameOf({ headers }: IncomingMessage): string {
  const host = headers.host ?? (headers[':authority'] as string | undefined) ?? ''
  return host.replace(/:\d*$/, '').replace(/^\[(.*)\]$/, '$1')
}

function isEncrypted({ socket }: IncomingMessage): boolean {
  return (socket as Partial<TLSSocket>).encrypted === true
}

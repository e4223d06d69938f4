/**
 * Requests to other members. Each has a connection of its own, so that none waits for another one. Redirects are not
 * followed: nobody but the address decides who is called.
 */
import { request } from 'node:http'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectSecurely } from 'node:tls'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { quote } from '../base/quote.js'
import { isLoopback } from './address.js'
import { parseHttpAddress } from './http-address.js'
import type { HttpAddress } from './http-address.js'
import { dial } from './tcp-dial.js'
import type { TlsIdentity } from './tls-identity.js'
import { isSecured } from './tls-stranger.js'

export interface HttpClientOptions {
  /** Whether what proves nothing may be called beyond this machine. */
  readonly insecure: boolean
  readonly tls: TlsIdentity | undefined
}

export interface HttpCall {
  readonly method: 'GET' | 'POST'
  /** Behind the path of the address. */
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
}

export class HttpClient {
  readonly #options: HttpClientOptions

  constructor(options: HttpClientOptions) {
    this.#options = options
  }

  /** A request, which is the caller's to end; `tls` is ready. Throws `ADDRESS_INVALID` or `TLS_REQUIRED`. */
  call(address: string, { method, path, headers }: HttpCall): ClientRequest {
    const parsed = parseHttpAddress(address)
    const { secure, host, port } = parsed
    const { tls, insecure } = this.#options
    // Who has certificates means all members to have them, also those on this machine.
    if (!secure && !insecure && (tls !== undefined || !isLoopback(host))) throw tlsRequired(address)
    const called = request({
      host,
      port,
      method,
      path: parsed.path + path,
      // Whatever lies on the way is to leave the bytes as they are.
      headers: { 'Accept-Encoding': 'identity', 'Cache-Control': 'no-store', ...headers },
      // With an agent beside it this would not be called.
      createConnection: () => this.#connect(parsed),
      maxHeaderSize: LIMITS.httpHeaderBytesMax,
      insecureHTTPParser: false,
    })
    called.maxHeadersCount = LIMITS.httpHeadersMax
    return called
  }

  /**
   * Why whoever answered is not believed to belong to the cluster: whose frames we take must be one of `allowedNames`,
   * whichever side called.
   */
  refusal({ socket }: IncomingMessage): string | undefined {
    const { tls } = this.#options
    return tls !== undefined && isSecured(socket) ? tls.callerRefusal(socket) : undefined
  }

  #connect({ secure, host, port }: HttpAddress): Socket {
    const { tls } = this.#options
    if (!secure || tls !== undefined) return dial({ host, port }, secure ? tls : undefined).socket
    // An address is no name that could be asked for.
    return connectSecurely({ host, port, servername: isIP(host) === 0 ? host : '' })
  }
}

function tlsRequired(address: string): StoreError {
  return new StoreError(
    'TLS_REQUIRED',
    `Calling ${quote(address)} would take whoever answers for the member. Use https: addresses, or set insecure: true ` +
      `where nobody else can answer there.`,
  )
}

/**
 * Requests to other members. Each has a connection of its own, so that none waits for another one. Redirects are not
 * followed: nobody but the address decides who is called.
 */
import { request } from 'node:http'
import type { ClientRequest } from 'node:http'
import type { Socket } from 'node:net'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { quote } from '../base/quote.js'
import { isLoopback } from './address.js'
import { parseHttpAddress } from './http-address.js'
import type { HttpAddress } from './http-address.js'

export interface HttpClientOptions {
  /** Whether what proves nothing may be called beyond this machine. */
  readonly insecure: boolean
  /** Makes a connection, which need not stand yet. */
  connect(address: HttpAddress): Socket
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

  /** A request, which is the caller's to end. Throws `ADDRESS_INVALID` or `TLS_REQUIRED`. */
  call(address: string, { method, path, headers }: HttpCall): ClientRequest {
    const parsed = parseHttpAddress(address)
    const { secure, host, port } = parsed
    if (!secure && !this.#options.insecure && !isLoopback(host)) throw tlsRequired(address)
    const called = request({
      host,
      port,
      method,
      path: parsed.path + path,
      // Whatever lies on the way is to leave the bytes as they are.
      headers: { 'Accept-Encoding': 'identity', 'Cache-Control': 'no-store', ...headers },
      agent: false,
      createConnection: () => this.#options.connect(parsed),
      maxHeaderSize: LIMITS.httpHeaderBytesMax,
      insecureHTTPParser: false,
    })
    called.maxHeadersCount = LIMITS.httpHeadersMax
    return called
  }
}

function tlsRequired(address: string): StoreError {
  return new StoreError(
    'TLS_REQUIRED',
    `Calling ${quote(address)} would take whoever answers for the member. Use https: addresses, or set insecure: true ` +
      `where nobody else can answer there.`,
  )
}

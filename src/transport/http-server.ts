/**
 * A server of the transport's own. Connections come from the listener one by one, so that what is bounded is bounded from
 * the first byte on, the handshake of TLS included, and not from the first request.
 *
 * Always: each connection is for one request. Until that has become a stream, whoever called is a stranger: with a deadline,
 * and giving way when too many come.
 */
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Cancel, Environment } from '../base/clock.js'
import type { ErrorCode } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { HostPort } from './address.js'
import { respond } from './http-response.js'
import { Listener } from './listener.js'
import type { TcpLimits } from './tcp-options.js'

export interface HttpServerOptions {
  readonly environment: Environment
  readonly limits: TcpLimits
  /** Answers a request, or returns false. */
  handle(request: IncomingMessage, response: ServerResponse): boolean
  onRefused(code: ErrorCode, reason: string, remote?: string): void
}

export class HttpServer {
  readonly #options: HttpServerOptions
  readonly #listener: Listener
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  /** Oldest first, each with what calls its deadline off. */
  readonly #strangers = new Map<Socket, Cancel>()

  constructor(options: HttpServerOptions) {
    this.#options = options
    this.#listener = new Listener(options.environment.logger, (socket) => this.#accept(socket))
    // It never listens itself, and so has no timers of its own either.
    this.#server = createServer({ maxHeaderSize: LIMITS.httpHeaderBytesMax, insecureHTTPParser: false })
    this.#server.maxHeadersCount = LIMITS.httpHeadersMax
    this.#server.on('request', (request: IncomingMessage, response: ServerResponse) => {
      if (!options.handle(request, response))
        respond(response, 404, 'There is nothing here but the members of a cluster.')
    })
    this.#server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) => this.#malformed(error, socket))
  }

  /** See {@link Listener.listen}. */
  listen(listen: HostPort): Promise<string> {
    return this.#listener.listen(listen)
  }

  /** The connection is a stream now. */
  settle(socket: Socket): void {
    this.#strangers.get(socket)?.()
    this.#strangers.delete(socket)
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) {
      this.settle(socket)
      socket.destroy()
    }
    return this.#listener.close()
  }

  #accept(socket: Socket): void {
    const { environment, limits } = this.#options
    const { handshakeMsMax, inboundConnectionsMax } = limits
    socket.on('error', () => undefined)
    if (this.#sockets.size >= inboundConnectionsMax && !this.#makeRoom()) {
      socket.destroy()
      return this.#options.onRefused('TOO_MANY_REQUESTS', 'all inbound connections are taken by peers')
    }
    this.#sockets.add(socket)
    const deadline = environment.timers.after(handshakeMsMax, () => {
      const remote = `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`
      socket.destroy()
      this.#options.onRefused('TIMEOUT', `No request was over within ${handshakeMsMax} ms.`, remote)
    })
    this.#strangers.set(socket, deadline)
    socket.on('close', () => {
      this.settle(socket)
      this.#sockets.delete(socket)
    })
    this.#server.emit('connection', socket)
  }

  /**
   * Whoever holds connections open without a word must not lock out the peers until each has timed out: the oldest such stranger
   * goes. A peer makes its request within a round trip.
   */
  #makeRoom(): boolean {
    const [oldest] = this.#strangers.keys()
    if (oldest === undefined) return false
    this.settle(oldest)
    this.#sockets.delete(oldest)
    oldest.destroy()
    this.#options.onRefused('TOO_MANY_REQUESTS', 'a connection without a request gave way to a newer one')
    return true
  }

  /** What is no request. Into a stream nothing else is written. */
  #malformed(error: NodeJS.ErrnoException, socket: Socket): void {
    const remote = `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`
    const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request'
    const fresh = this.#strangers.has(socket) && socket.writable && socket.bytesWritten === 0
    if (fresh)
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy())
    else socket.destroy()
    if (error.code !== 'ECONNRESET') this.#options.onRefused('MALFORMED', `It is no request: ${error.message}`, remote)
  }
}

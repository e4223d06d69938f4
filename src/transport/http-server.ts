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
import { remoteOf } from './remote-of.js'
import type { TcpLimits } from './tcp-options.js'
import { TlsGate } from './tls-gate.js'
import type { TlsIdentity } from './tls-identity.js'
import { TlsStranger } from './tls-stranger.js'

/** Whoever called and has no stream. */
interface Stranger {
  /** Calls its deadline off. */
  readonly settle?: Cancel
  close(): void
}

export interface HttpServerOptions {
  readonly environment: Environment
  readonly limits: TcpLimits
  /** Ready. With it callers are taken through a handshake of TLS first. */
  readonly tls: TlsIdentity | undefined
  /** Answers a request, or returns false. */
  handle(request: IncomingMessage, response: ServerResponse): boolean
  readonly onRefused: (code: ErrorCode, reason: string, remote?: string) => void
}

export class HttpServer {
  readonly #options: HttpServerOptions
  readonly #listener: Listener
  readonly #server: Server
  readonly #gate: TlsGate | undefined
  /** Oldest first. */
  readonly #strangers = new Set<Stranger>()
  /** Those that have got to speak HTTP. */
  readonly #heard = new Map<Socket, Stranger>()
  readonly #streams = new Set<Socket>()

  constructor(options: HttpServerOptions) {
    this.#options = options
    this.#gate = options.tls === undefined ? undefined : new TlsGate(options.tls)
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
    this.#forget(socket)
    this.#streams.add(socket)
  }

  close(): Promise<void> {
    for (const stranger of this.#strangers) stranger.close()
    for (const socket of this.#streams) socket.destroy()
    this.#gate?.close()
    return this.#listener.close()
  }

  #accept(socket: Socket): void {
    const taken = this.#strangers.size + this.#streams.size
    if (taken >= this.#options.limits.inboundConnectionsMax && !this.#makeRoom()) {
      socket.on('error', () => undefined)
      socket.destroy()
      return this.#options.onRefused('TOO_MANY_REQUESTS', 'all inbound connections are taken by peers')
    }
    if (this.#gate === undefined) this.#hear(socket)
    else this.#secure(socket, this.#gate)
  }

  #secure(socket: Socket, gate: TlsGate): void {
    const { environment, limits, onRefused } = this.#options
    const stranger = new TlsStranger(socket, gate, environment.timers, limits.handshakeMsMax, {
      onSecured: (secured) => {
        this.#strangers.delete(stranger)
        this.#hear(secured)
      },
      onFailed: ({ code, message }) => {
        this.#strangers.delete(stranger)
        onRefused(code, message, stranger.remote)
      },
    })
    this.#strangers.add(stranger)
  }

  #hear(socket: Socket): void {
    const { environment, limits, onRefused } = this.#options
    const { handshakeMsMax } = limits
    const remote = remoteOf(socket)
    const deadline = environment.timers.after(handshakeMsMax, () => {
      socket.destroy()
      onRefused('TIMEOUT', `No request was over within ${handshakeMsMax} ms.`, remote)
    })
    const stranger: Stranger = {
      settle: deadline,
      close: () => {
        deadline()
        socket.destroy()
      },
    }
    this.#strangers.add(stranger)
    this.#heard.set(socket, stranger)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.#forget(socket)
      this.#streams.delete(socket)
    })
    this.#server.emit('connection', socket)
  }

  #forget(socket: Socket): void {
    const stranger = this.#heard.get(socket)
    if (stranger === undefined) return
    stranger.settle?.()
    this.#heard.delete(socket)
    this.#strangers.delete(stranger)
  }

  /**
   * Whoever holds connections open without a word must not lock out the peers until each has timed out: the oldest such
   * stranger goes. A peer makes its request within a round trip.
   */
  #makeRoom(): boolean {
    for (const oldest of this.#strangers) {
      oldest.close()
      this.#strangers.delete(oldest)
      this.#options.onRefused('TOO_MANY_REQUESTS', 'a connection without a request gave way to a newer one')
      return true
    }
    return false
  }

  /** What is no request. Into a stream nothing else is written. */
  #malformed(error: NodeJS.ErrnoException, socket: Socket): void {
    const remote = remoteOf(socket)
    const status = error.code === 'HPE_HEADER_OVERFLOW' ? '431 Request Header Fields Too Large' : '400 Bad Request'
    const fresh = this.#heard.has(socket) && socket.writable && socket.bytesWritten === 0
    if (fresh)
      socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy())
    else socket.destroy()
    if (error.code !== 'ECONNRESET') this.#options.onRefused('MALFORMED', `It is no request: ${error.message}`, remote)
  }
}

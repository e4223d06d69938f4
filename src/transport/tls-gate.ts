/**
 * Takes sockets that somebody else accepted through the handshake of TLS, so that they can be counted and timed before it is
 * done like any other.
 *
 * Always: new certificates count for the next handshake, and for no connection before.
 */
import type { Socket } from 'node:net'
import { createServer } from 'node:tls'
import type { Server, TLSSocket } from 'node:tls'
import type { Cancel } from '../base/clock.js'
import { describeFailure } from './describe-failure.js'
import type { TlsIdentity } from './tls-identity.js'

/** Called once. */
export interface GateEvents {
  /** The handshake is done; who is there is still to be judged. */
  onSecured(socket: TLSSocket): void
  onFailed(reason: string): void
}

export class TlsGate {
  /** It listens to nothing: sockets are handed to it. */
  readonly #server: Server
  /** By where they come from, which the two sockets of one connection have in common. */
  readonly #waiting = new Map<string, GateEvents>()
  readonly #unwatch: Cancel

  /** `identity` is ready. */
  constructor(identity: TlsIdentity) {
    this.#server = createServer(identity.serverOptions)
    this.#unwatch = identity.watch(() => {
      this.#server.setSecureContext(identity.serverOptions)
    })
    this.#server.on('secureConnection', (socket) => this.#take(originOf(socket))?.onSecured(socket))
    this.#server.on('tlsClientError', (error, socket) => {
      // What follows is of no interest, and must not be uncaught.
      socket.on('error', () => undefined)
      this.#take(originOf(socket))?.onFailed(describeFailure(error))
    })
  }

  /** Closing the socket ends its handshake. */
  enter(socket: Socket, events: GateEvents): void {
    const origin = originOf(socket)
    this.#waiting.set(origin, events)
    socket.on('error', () => undefined)
    // Where the caller is not known any more when the handshake fails, only this tells of it.
    socket.once('close', () => {
      if (this.#waiting.get(origin) === events) this.#take(origin)?.onFailed('it hung up within the TLS handshake')
    })
    this.#server.emit('connection', socket)
  }

  close(): void {
    this.#unwatch()
    this.#waiting.clear()
  }

  #take(origin: string): GateEvents | undefined {
    const events = this.#waiting.get(origin)
    this.#waiting.delete(origin)
    return events
  }
}

function originOf({ remoteAddress = '', remotePort = 0 }: Pick<Socket, 'remoteAddress' | 'remotePort'>): string {
  return `${remoteAddress} ${remotePort}`
}

/**
 * One port for everything: takes connections in, finds out what they speak, and hands them to the door for that.
 *
 *     socket ── first bytes ──┬── TLS ── handshake ──┬── ALPN h2 ── gRPC
 *                             │                      └── other ─── HTTP/1
 *                             ├── HTTP/2 ── gRPC
 *                             └── HTTP/1
 *
 * Always: who says nothing is closed after a while, and where there are as many as there may be, those on which no call has
 * been for longest: nobody holds the port by knocking. Who speaks TLS where none is spoken, or the other way round, is told so in its own language.
 */
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Cancel, Environment } from '../../base/clock.js'
import { LIMITS } from '../../base/limits.js'
import { hearFirstBytes, type Spoken } from './first-bytes.js'

/** Serves connections of one protocol. */
export interface ConnectionDoor {
  take(socket: Socket): void
  /** From where the calls come that are under way: see {@link peerOf}. */
  busyPeers(): Iterable<string>
}

export interface FrontDoorParts {
  readonly grpc: ConnectionDoor
  readonly http: ConnectionDoor
  /** Takes it through the handshake; undefined: no URL has it. */
  readonly tls: { enter(socket: Socket): void } | undefined
  readonly environment: Environment
  /** Default LIMITS.etcdConnectionsMax. */
  readonly connectionsMax?: number
}

/** Where a connection comes from, as gRPC names it. */
export function peerOf({ remoteAddress, remotePort }: Socket): string {
  return remoteAddress === undefined ? 'unknown' : `${remoteAddress}:${remotePort ?? ''}`
}

/** Of all connections: how many make room at once, since to find them costs a look at each. */
const MAKING_ROOM = 0.01

export class FrontDoor {
  readonly #parts: FrontDoorParts
  /** Those that came, or were seen with a call under way, last at the end. */
  readonly #sockets = new Set<Socket>()
  readonly #connectionsMax: number
  #full = false

  constructor(parts: FrontDoorParts) {
    this.#parts = parts
    this.#connectionsMax = parts.connectionsMax ?? LIMITS.etcdConnectionsMax
  }

  /** @param secure whether TLS is spoken where it came in. */
  take(socket: Socket, secure: boolean): void {
    if (this.#sockets.size < this.#connectionsMax * (1 - 2 * MAKING_ROOM)) this.#full = false
    if (this.#sockets.size >= this.#connectionsMax) {
      this.#tellFull()
      if (!this.#makeRoom()) {
        socket.destroy()
        return
      }
    }
    this.#sockets.add(socket)
    // What broke is told to whoever reads from it.
    socket.on('error', () => undefined)
    const patience = this.#waitFor(socket)
    socket.once('close', () => {
      patience()
      this.#sockets.delete(socket)
    })
    hearFirstBytes(socket, (spoken) => {
      patience()
      if (secure) this.#greetSecurely(socket, spoken)
      else this.#greet(socket, spoken)
    })
  }

  /** A connection that went through the handshake of TLS. */
  takeSecured(socket: TLSSocket): void {
    if (socket.alpnProtocol === 'h2') this.#parts.grpc.take(socket)
    else this.#serveHttp(socket)
  }

  /** Closes all connections, whatever is under way on them. */
  close(): void {
    for (const socket of this.#sockets) socket.destroy()
  }

  #greet(socket: Socket, spoken: Spoken): void {
    switch (spoken) {
      case 'http2':
        this.#parts.grpc.take(socket)
        return
      case 'http1':
        this.#serveHttp(socket)
        return
      case 'tls':
        this.#misunderstood(socket, 'a client speaks TLS to a URL without: it should call http://', TLS_REFUSED)
    }
  }

  #greetSecurely(socket: Socket, spoken: Spoken): void {
    if (spoken === 'tls') this.#parts.tls?.enter(socket)
    else this.#misunderstood(socket, 'a client speaks no TLS to a URL with: it should call https://', PLAIN_REFUSED)
  }

  #serveHttp(socket: Socket): void {
    this.#parts.http.take(socket)
    // It was paused while its first bytes were looked at.
    socket.resume()
  }

  #waitFor(socket: Socket): Cancel {
    return this.#parts.environment.timers.after(LIMITS.etcdHelloMsMax, () => socket.destroy())
  }

  /** False: on all of them a call is under way. */
  #makeRoom(): boolean {
    const { grpc, http } = this.#parts
    const busy = new Set([...grpc.busyPeers(), ...http.busyPeers()])
    let left = Math.ceil(this.#connectionsMax * MAKING_ROOM)
    for (const socket of [...this.#sockets]) {
      if (left === 0) break
      this.#sockets.delete(socket)
      if (busy.has(peerOf(socket))) {
        this.#sockets.add(socket)
      } else {
        socket.destroy()
        left--
      }
    }
    return this.#sockets.size < this.#connectionsMax
  }

  /** Once in a row: a log of a flood would be one itself. */
  #tellFull(): void {
    if (this.#full) return
    this.#full = true
    const { logger } = this.#parts.environment
    logger.warn('connections without a call are closed, since there are as many as there may be', {
      most: this.#connectionsMax,
    })
  }

  #misunderstood(socket: Socket, message: string, answer: Buffer): void {
    this.#parts.environment.logger.info(message, { remote: socket.remoteAddress })
    socket.end(answer, () => socket.destroy())
  }
}

/** The alert protocol_version of TLS 1.2, fatal (RFC 5246 7.2). */
const TLS_REFUSED = Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x46])

const PLAIN_REFUSED = Buffer.from(
  'HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: 33\r\n\r\n' +
    'This port speaks TLS: use https.\n',
)

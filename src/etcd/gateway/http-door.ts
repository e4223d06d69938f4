/**
 * The door of HTTP/1: gives the connections of it to Node's own server, which reads requests off them.
 *
 * Always: a connection on which no request is under way is closed when it has been so for a while; one that has never sent a
 * request, sooner. Node's own deadlines do not hold for connections that it did not accept itself.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { present } from '../../base/assert.js'
import { LIMITS } from '../../base/limits.js'
import type { Cancel, Timers } from '../../base/clock.js'
import { peerOf } from '../server/front-door.js'
import type { HttpHandler } from './http-handler.js'

interface Connection {
  /** Requests that are not answered yet. */
  underWay: number
  /** Ends the wait for the next one. */
  cancel: Cancel
}

export class HttpDoor {
  readonly #handler: HttpHandler
  readonly #timers: Timers
  readonly #server: Server
  readonly #connections = new WeakMap<Socket, Connection>()
  /** Those with a request under way. */
  readonly #busy = new Set<Socket>()

  constructor(handler: HttpHandler, timers: Timers) {
    this.#handler = handler
    this.#timers = timers
    const options = {
      maxHeaderSize: LIMITS.httpHeaderBytesMax,
      keepAliveTimeout: 0,
      requestTimeout: 0,
      headersTimeout: 0,
    }
    this.#server = createServer(options, (request, response) => this.#serve(request, response))
  }

  /** Serves a connection of HTTP/1, encrypted by somebody else or not at all. */
  take(socket: Socket): void {
    const connection: Connection = { underWay: 0, cancel: () => undefined }
    this.#connections.set(socket, connection)
    this.#wait(socket, connection, LIMITS.etcdHeadMsMax)
    socket.once('close', () => connection.cancel())
    this.#server.emit('connection', socket)
  }

  /** Resolves when what was under way has been answered. The connections stay: they are closed by whoever gave them. */
  close(): Promise<void> {
    return this.#handler.close()
  }

  busyPeers(): Iterable<string> {
    return [...this.#busy].map(peerOf)
  }

  #serve(request: IncomingMessage, response: ServerResponse): void {
    const { socket } = request
    const connection = present(this.#connections.get(socket), 'the connection of a request')
    connection.cancel()
    connection.underWay++
    this.#busy.add(socket)
    response.once('close', () => {
      connection.underWay--
      // Requests may have come while this one was answered.
      if (connection.underWay > 0) return
      this.#busy.delete(socket)
      this.#wait(socket, connection, LIMITS.etcdIdleMsMax)
    })
    // Who sends so many before it has an answer does not wait for one.
    if (connection.underWay > LIMITS.etcdPipelinedMax) socket.destroy()
    else this.#handler.handle(request, response)
  }

  #wait(socket: Socket, connection: Connection, waitMs: number): void {
    if (!socket.destroyed) connection.cancel = this.#timers.after(waitMs, () => socket.destroy())
  }
}

/**
 * Members over TCP: each dials every peer and sends on the connection it dialled; what it accepts it only receives on.
 * So no two members have to agree on which of two connections that crossed is the one to keep.
 *
 * Always: a caller that is not a peer gets no further than the hello, and one inbound connection stands for each peer: a
 * newer one replaces the older, which is what remains of a process or a path that died unnoticed.
 * Always: nothing that comes from outside can throw past this file.
 * Not here yet: TLS. Until then only this machine is listened to, unless `insecure` says otherwise.
 */
import { createServer } from 'node:net'
import type { AddressInfo, Server, Socket } from 'node:net'
import { StoreError } from '../base/errors.js'
import { quote } from '../base/quote.js'
import { formatAddress, isLoopback, parseAddress } from './address.js'
import type { HostPort } from './address.js'
import { checkFrame, checkIdentity } from './checks.js'
import { RefusalLog } from './refusal-log.js'
import { TcpInbound } from './tcp-inbound.js'
import type { InboundEvents } from './tcp-inbound.js'
import { TcpLink } from './tcp-link.js'
import { completeLimits } from './tcp-options.js'
import type { Counters, TcpContext, TcpLimits, TcpOptions } from './tcp-options.js'
import type {
  Frame,
  Peer,
  PeerId,
  Transport,
  TransportHandler,
  TransportIdentity,
  TransportStatistics,
} from './transport.js'

/**
 * A transport over TCP, not yet started.
 *
 * @example
 * const transport = tcpTransport({ listen: '127.0.0.1:7001', environment: systemEnvironment() })
 * transport.setPeers([{ id: 2, address: '127.0.0.1:7002' }])
 * await transport.start({ clusterId: 1, memberId: 1 }, handler)
 */
export function tcpTransport(options: TcpOptions): Transport {
  return new TcpTransport(options)
}

class TcpTransport implements Transport {
  readonly #options: TcpOptions
  readonly #limits: TcpLimits
  readonly #counters: Counters = { framesSent: 0, framesReceived: 0, framesDropped: 0, connectionsRefused: 0 }
  readonly #refusals: RefusalLog
  readonly #links = new Map<PeerId, TcpLink>()
  /** Those whose hello is still awaited, oldest first. */
  readonly #strangers = new Set<TcpInbound>()
  readonly #inbound = new Map<PeerId, TcpInbound>()
  #peers = new Map<PeerId, Peer>()
  #state: 'new' | 'starting' | 'started' | 'closed' = 'new'
  #context: TcpContext | undefined
  #server: Server | undefined
  #address: string | undefined
  #closing: Promise<void> | undefined

  constructor(options: TcpOptions) {
    this.#options = options
    this.#limits = completeLimits(options.limits)
    this.#refusals = new RefusalLog(options.environment)
  }

  get address(): string | undefined {
    return this.#address
  }

  get statistics(): TransportStatistics {
    return { ...this.#counters }
  }

  async start(identity: TransportIdentity, handler: TransportHandler): Promise<void> {
    if (this.#state === 'closed') throw new StoreError('CLOSED', 'The transport is closed.')
    if (this.#state !== 'new') throw new TypeError('The transport was started already.')
    checkIdentity(identity)
    const listen = checkListen(this.#options.listen, this.#options.insecure === true)
    this.#state = 'starting'
    this.#context = {
      identity,
      handler,
      environment: this.#options.environment,
      limits: this.#limits,
      counters: this.#counters,
    }
    try {
      await this.#listen(listen, this.#context)
    } catch (error) {
      if (!this.#isClosed()) this.#state = 'new'
      throw error
    }
    this.#state = 'started'
    this.#connect(this.#context)
  }

  setPeers(peers: readonly Peer[]): void {
    this.#peers = new Map(peers.map((peer) => [peer.id, peer]))
    if (this.#state === 'started' && this.#context !== undefined) this.#connect(this.#context)
  }

  send(to: PeerId, frame: Frame): boolean {
    checkFrame(frame, this.#limits.frameBytesMax)
    const link = this.#links.get(to)
    if (link !== undefined) return link.send(frame)
    this.#counters.framesDropped++
    return false
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#state = 'closed'
    for (const link of this.#links.values()) link.close()
    for (const inbound of [...this.#strangers, ...this.#inbound.values()]) inbound.close()
    this.#links.clear()
    this.#strangers.clear()
    this.#inbound.clear()
    const server = this.#server
    if (server !== undefined) await new Promise((resolve) => server.close(resolve))
  }

  /** Not the field itself: the compiler believes that what it saw before an `await` still holds. */
  #isClosed(): boolean {
    return this.#state === 'closed'
  }

  async #listen(listen: HostPort, context: TcpContext): Promise<void> {
    const server = createServer({ noDelay: true, keepAlive: true }, (socket) => this.#accept(socket, context))
    this.#server = server
    await new Promise<void>((resolve, reject) => {
      server.once('error', (error) =>
        reject(this.#isClosed() ? closedMeanwhile() : listenError(this.#options.listen, error)),
      )
      server.once('close', () => reject(closedMeanwhile()))
      server.listen({ ...listen, exclusive: true }, resolve)
    })
    if (this.#isClosed()) throw closedMeanwhile()
    // From here on: a failed accept, for want of file descriptors, say. The others go on.
    server.on('error', (error) => {
      this.#options.environment.logger.warn('a connection could not be accepted', { reason: error.message })
    })
    this.#address = formatAddress({ host: listen.host, port: (server.address() as AddressInfo).port })
  }

  /** Brings links and inbound connections in line with the peers. */
  #connect(context: TcpContext): void {
    this.#peers.delete(context.identity.memberId)
    for (const [id, link] of this.#links) {
      if (this.#peers.has(id)) continue
      link.close()
      this.#links.delete(id)
    }
    for (const [id, inbound] of this.#inbound) {
      if (this.#peers.has(id)) continue
      inbound.close()
      this.#inbound.delete(id)
    }
    for (const peer of this.#peers.values()) {
      const link = this.#links.get(peer.id)
      if (link?.peer.address !== peer.address) this.#links.set(peer.id, new TcpLink(peer, context, link))
    }
  }

  #accept(socket: Socket, context: TcpContext): void {
    if (this.#strangers.size + this.#inbound.size >= this.#limits.inboundConnectionsMax && !this.#makeRoom()) {
      socket.on('error', () => undefined)
      socket.destroy()
      this.#refused('TOO_MANY', 'all inbound connections are taken by peers')
      return
    }
    this.#strangers.add(new TcpInbound(socket, context, this.#inboundEvents))
  }

  /**
   * Whoever holds connections open without a word must not lock out the peers until each has timed out: the oldest such
   * stranger goes. A peer says its hello within a round trip.
   */
  #makeRoom(): boolean {
    for (const oldest of this.#strangers) {
      oldest.close()
      this.#strangers.delete(oldest)
      this.#refused('TOO_MANY', 'a connection without a hello gave way to a newer one')
      return true
    }
    return false
  }

  readonly #inboundEvents: InboundEvents = {
    isPeer: (id) => this.#peers.has(id),
    onAccepted: (connection) => {
      const from = connection.from as PeerId
      this.#strangers.delete(connection)
      this.#inbound.get(from)?.close()
      this.#inbound.set(from, connection)
      this.#links.get(from)?.hint()
    },
    onEnded: (connection, reason, refused) => {
      this.#strangers.delete(connection)
      const from = connection.from
      if (from !== undefined && this.#inbound.get(from) === connection) this.#inbound.delete(from)
      if (refused) this.#refused((reason as StoreError).code, reason.message, connection.remote, from)
    },
  }

  #refused(code: string, reason: string, remote?: string, peer?: PeerId): void {
    this.#counters.connectionsRefused++
    this.#refusals.add(code, { code, reason, remote, peer })
  }
}

/** Takes the address to listen on apart. Throws `ADDRESS_INVALID` or `TLS_REQUIRED`. */
export function checkListen(listen: string, insecure: boolean): HostPort {
  const parsed = parseAddress(listen)
  if (!isLoopback(parsed.host) && !insecure) throw tlsRequired(listen)
  return parsed
}

function tlsRequired(listen: string): StoreError {
  return new StoreError(
    'TLS_REQUIRED',
    `Listening on ${quote(listen)} would let everybody on the network pose as a member of the cluster. ` +
      `Listen on a loopback address, or set insecure: true where nobody else can reach the port.`,
  )
}

function listenError(listen: string, error: NodeJS.ErrnoException): StoreError {
  if (error.code === 'EADDRINUSE') {
    return new StoreError('ADDRESS_IN_USE', `${quote(listen)} is taken by another process.`, { cause: error })
  }
  return new StoreError('ADDRESS_INVALID', `Cannot listen on ${quote(listen)}: ${error.message}`, { cause: error })
}

function closedMeanwhile(): StoreError {
  return new StoreError('CLOSED', 'The transport was closed while it started.')
}

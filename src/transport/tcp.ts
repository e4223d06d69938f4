/**
 * Members over TCP: each dials every peer and sends on the connections it dialled, one for each channel; what it accepts it
 * only receives on. So no two members have to agree on which of two connections that crossed is the one to keep.
 *
 * Here: starting, closing, and what is dialled. What comes in is in tcp-callers.ts.
 * Always: nothing that comes from outside can throw past this file.
 * Not here yet: TLS. Until then only this machine is listened to, unless `insecure` says otherwise.
 */
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { StoreError } from '../base/errors.js'
import { quote } from '../base/quote.js'
import { randomId } from '../base/random.js'
import { formatAddress, isLoopback, parseAddress } from './address.js'
import type { HostPort } from './address.js'
import { checkFrame, checkIdentity } from './checks.js'
import { PROTOCOL_VERSIONS } from './handshake.js'
import type { VersionRange } from './handshake.js'
import { checkQuestion } from './question.js'
import { Roster } from './roster.js'
import { TcpAsk } from './tcp-ask.js'
import { TcpCallers } from './tcp-callers.js'
import { completeLimits } from './tcp-options.js'
import type { Counters, TcpContext, TcpLimits, TcpOptions } from './tcp-options.js'
import { TcpPeer } from './tcp-peer.js'
import type {
  Channel,
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

/** One that speaks other versions, as that of an older program does. */
export function tcpTransportSpeaking(versions: VersionRange, options: TcpOptions): Transport {
  return new TcpTransport(options, versions)
}

class TcpTransport implements Transport {
  readonly #options: TcpOptions
  readonly #limits: TcpLimits
  readonly #counters: Counters = { framesSent: 0, framesReceived: 0, framesDropped: 0, connectionsRefused: 0 }
  readonly #versions: VersionRange
  readonly #life: number
  readonly #roster = new Roster()
  readonly #peers = new Map<PeerId, TcpPeer>()
  readonly #asks = new Map<TcpAsk, (error: StoreError) => void>()
  #state: 'new' | 'starting' | 'started' | 'closed' = 'new'
  #context: TcpContext | undefined
  #callers: TcpCallers | undefined
  #server: Server | undefined
  #address: string | undefined
  #closing: Promise<void> | undefined

  constructor(options: TcpOptions, versions: VersionRange = PROTOCOL_VERSIONS) {
    const { environment } = options
    this.#options = options
    this.#versions = versions
    this.#life = randomId(environment.random)
    this.#limits = completeLimits(options.limits)
  }

  get address(): string | undefined {
    return this.#address
  }

  get statistics(): TransportStatistics {
    return { ...this.#counters }
  }

  async start(identity: TransportIdentity, handler: TransportHandler): Promise<void> {
    if (this.#state === 'closed') throw closed()
    if (this.#state !== 'new') throw new TypeError('The transport was started already.')
    checkIdentity(identity)
    const listen = checkListen(this.#options.listen, this.#options.insecure === true)
    this.#state = 'starting'
    this.#context = {
      self: { ...identity, versions: this.#versions, life: this.#life },
      handler,
      environment: this.#options.environment,
      limits: this.#limits,
      counters: this.#counters,
    }
    this.#callers = new TcpCallers(this.#context, this.#roster, (id) => this.#peers.get(id)?.hint())
    try {
      await this.#listen(listen, this.#callers)
    } catch (error) {
      if (!this.#isClosed()) this.#state = 'new'
      throw error
    }
    this.#state = 'started'
    this.#roster.pass(identity.memberId)
    this.#connect(this.#context)
  }

  setPeers(peers: readonly Peer[], removed: readonly PeerId[] = []): void {
    this.#roster.set(peers, removed, this.#context?.self.memberId)
    if (this.#state === 'started' && this.#context !== undefined) this.#connect(this.#context)
  }

  send(to: PeerId, frame: Frame, channel: Channel = 'main'): boolean {
    checkFrame(frame, this.#limits.frameBytesMax)
    const peer = this.#peers.get(to)
    if (peer !== undefined) return peer.send(frame, channel)
    this.#counters.framesDropped++
    return false
  }

  async ask(address: string, question: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    checkQuestion(question, timeoutMs)
    const parsed = parseAddress(address)
    if (this.#state === 'closed') throw closed()
    return new Promise((resolve, reject) => {
      const ask = new TcpAsk({
        ...{ environment: this.#options.environment, versions: this.#versions },
        ...{ address: parsed, name: address, question, timeoutMs },
        onAnswer: (answer) => {
          this.#asks.delete(ask)
          resolve(answer)
        },
        onFailed: (error) => {
          this.#asks.delete(ask)
          reject(error)
        },
      })
      this.#asks.set(ask, reject)
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#state = 'closed'
    for (const peer of this.#peers.values()) peer.close()
    this.#peers.clear()
    this.#callers?.close()
    for (const [ask, reject] of this.#asks) {
      ask.close()
      reject(closed())
    }
    this.#asks.clear()
    const server = this.#server
    if (server !== undefined) await new Promise((resolve) => server.close(resolve))
  }

  /** Not the field itself: the compiler believes that what it saw before an `await` still holds. */
  #isClosed(): boolean {
    return this.#state === 'closed'
  }

  async #listen(listen: HostPort, callers: TcpCallers): Promise<void> {
    const server = createServer({ noDelay: true, keepAlive: true }, (socket) => callers.accept(socket))
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

  /** Brings what was dialled and what called in line with the peers. */
  #connect(context: TcpContext): void {
    this.#callers?.drop()
    for (const [id, peer] of this.#peers) {
      if (this.#roster.get(id) !== undefined) continue
      peer.close()
      this.#peers.delete(id)
    }
    for (const peer of this.#roster.peers) {
      const known = this.#peers.get(peer.id)
      if (known?.peer.address !== peer.address) this.#peers.set(peer.id, new TcpPeer(peer, context, known))
    }
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

function closed(): StoreError {
  return new StoreError('CLOSED', 'The transport is closed.')
}

function closedMeanwhile(): StoreError {
  return new StoreError('CLOSED', 'The transport was closed while it started.')
}

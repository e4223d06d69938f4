/**
 * Members over TCP: each dials every peer and sends on the connections it dialled, one for each channel; what it accepts it
 * only receives on. So no two members have to agree on which of two connections that crossed is the one to keep.
 *
 * Here: starting, closing, and what is dialled. What comes in is in tcp-callers.ts.
 * Always: nothing that comes from outside can throw past this file.
 * Without TLS only this machine is listened to, unless `insecure` says otherwise.
 */
import { StoreError } from '../base/errors.js'
import { randomId } from '../base/random.js'
import { parseAddress } from './address.js'
import { checkFrame, checkIdentity } from './checks.js'
import { PROTOCOL_VERSIONS } from './handshake.js'
import type { VersionRange } from './handshake.js'
import { checkListen, Listener } from './listener.js'
import { checkQuestion } from './question.js'
import { Roster } from './roster.js'
import { TcpAsk } from './tcp-ask.js'
import { TcpCallers } from './tcp-callers.js'
import { completeLimits } from './tcp-options.js'
import type { Counters, TcpContext, TcpLimits, TcpOptions } from './tcp-options.js'
import { TcpPeer } from './tcp-peer.js'
import { TlsIdentity } from './tls-identity.js'
import { checkTlsOptions } from './tls-options.js'
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
 * // What open() does with `listen`; by hand it is given other limits, say.
 * const limits = { peerIdleMsMax: 10_000 }
 * const transport = (environment) => tcpTransport({ listen: '127.0.0.1:7001', limits, environment })
 * const store = await open({ name: 'a', cluster: { a: '127.0.0.1:7001', b: '127.0.0.1:7002' }, dataDir: './a', transport })
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
  readonly #tls: TlsIdentity | undefined
  readonly #versions: VersionRange
  readonly #life: number
  readonly #roster = new Roster()
  readonly #peers = new Map<PeerId, TcpPeer>()
  readonly #asks = new Map<TcpAsk, (error: StoreError) => void>()
  #state: 'new' | 'starting' | 'started' | 'closed' = 'new'
  #context: TcpContext | undefined
  #callers: TcpCallers | undefined
  #listener: Listener | undefined
  #address: string | undefined
  #closing: Promise<void> | undefined

  constructor(options: TcpOptions, versions: VersionRange = PROTOCOL_VERSIONS) {
    const { environment } = options
    this.#options = options
    this.#versions = versions
    this.#life = randomId(environment.random)
    this.#limits = completeLimits(options.limits)
    const { tls } = options
    this.#tls = tls === undefined ? undefined : new TlsIdentity(checkTlsOptions(tls), environment)
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
    const listen = checkListen(this.#options.listen, this.#options.insecure === true || this.#tls !== undefined)
    this.#state = 'starting'
    this.#context = {
      self: { ...identity, versions: this.#versions, life: this.#life },
      handler,
      environment: this.#options.environment,
      limits: this.#limits,
      counters: this.#counters,
      tls: this.#tls,
    }
    try {
      await this.#tls?.ready()
      if (this.#isClosed()) throw closed()
      const callers = new TcpCallers(this.#context, this.#roster, (id) => this.#peers.get(id)?.hint())
      this.#callers = callers
      this.#listener = new Listener(this.#options.environment.logger, (socket) => {
        callers.accept(socket)
      })
      this.#address = await this.#listener.listen(listen)
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
    await this.#tls?.ready()
    if (this.#isClosed()) throw closed()
    return new Promise((resolve, reject) => {
      const ask = new TcpAsk({
        ...{ environment: this.#options.environment, versions: this.#versions, tls: this.#tls },
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
    this.#tls?.close()
    for (const [ask, reject] of this.#asks) {
      ask.close()
      reject(closed())
    }
    this.#asks.clear()
    await this.#listener?.close()
  }

  /** Not the field itself: the compiler believes that what it saw before an `await` still holds. */
  #isClosed(): boolean {
    return this.#state === 'closed'
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

function closed(): StoreError {
  return new StoreError('CLOSED', 'The transport is closed.')
}

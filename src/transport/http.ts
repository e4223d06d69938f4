/**
 * Members over HTTP/1.1. Here who receives is who asks: each asks every peer for its frames, and gets them in responses that
 * do not end, one for each channel. So they pass proxies, which gather a request whole before they pass it on, and leave a
 * response alone that asks for it.
 *
 * Always: a caller that is not a peer gets no stream, and one stream of each channel stands for each peer: a newer one
 * replaces the older, which is what remains of a process or a path that died unnoticed.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { StoreError } from '../base/errors.js'
import type { ErrorCode } from '../base/errors.js'
import { randomId } from '../base/random.js'
import { checkFrame, checkIdentity } from './checks.js'
import type { Hello } from './handshake.js'
import { checkPath, formatHttpAddress, parseHttpAddress } from './http-address.js'
import { HttpClient } from './http-client.js'
import { HttpFace } from './http-face.js'
import type { FaceEvents } from './http-face.js'
import { HTTP_VERSIONS } from './http-handshake.js'
import { checkServer, mount } from './http-mount.js'
import { checkPlace } from './http-options.js'
import type { HttpContext, HttpListenOptions, HttpOptions, HttpTransport } from './http-options.js'
import { HttpPeer } from './http-peer.js'
import { ask } from './http-question.js'
import { HttpServer } from './http-server.js'
import { checkListen } from './listener.js'
import { checkQuestion, Questions } from './question.js'
import { RefusalLog } from './refusal-log.js'
import { Roster } from './roster.js'
import { completeLimits } from './tcp-options.js'
import type { Counters, TcpLimits } from './tcp-options.js'
import type { Judgement } from './tcp-inbound.js'
import { TlsIdentity } from './tls-identity.js'
import { checkTlsOptions } from './tls-options.js'
import { isSecured } from './tls-stranger.js'
import type {
  Channel,
  Frame,
  Peer,
  PeerId,
  TransportHandler,
  TransportIdentity,
  TransportStatistics,
} from './transport.js'

/**
 * A transport over HTTP, not yet started: with a server of its own, or attached to one that is there for other things.
 *
 * @example
 * const cluster = { a: 'http://127.0.0.1:7001/quorate', b: 'http://127.0.0.1:7002/quorate' }
 * const transport = (environment) => httpTransport({ listen: '127.0.0.1:7001', environment })
 * const store = await open({ name: 'a', cluster, dataDir: './a', transport })
 *
 * @example
 * const server = createServer(app).listen(8080, '127.0.0.1')
 * const address = 'http://127.0.0.1:8080/quorate'
 * const transport = (environment) => httpTransport({ server, path: '/quorate', address, environment })
 */
export function httpTransport(options: HttpOptions): HttpTransport {
  return new Http(options)
}

class Http implements HttpTransport {
  readonly #options: HttpOptions
  readonly #path: string
  readonly #limits: TcpLimits
  readonly #tls: TlsIdentity | undefined
  readonly #client: HttpClient
  readonly #face: HttpFace
  readonly #counters: Counters = { framesSent: 0, framesReceived: 0, framesDropped: 0, connectionsRefused: 0 }
  readonly #refusals: RefusalLog
  readonly #roster = new Roster()
  readonly #questions: Questions
  readonly #peers = new Map<PeerId, HttpPeer>()
  readonly #closed = new AbortController()
  #state: 'new' | 'starting' | 'started' | 'closed' = 'new'
  #context: HttpContext | undefined
  #server: HttpServer | undefined
  #unmount: (() => void) | undefined
  #address: string | undefined
  #closing: Promise<void> | undefined

  constructor(options: HttpOptions) {
    const { environment, insecure = false, tls } = options
    checkPlace(options)
    this.#options = options
    this.#path = checkPath(options.path ?? '/quorate')
    this.#limits = completeLimits(options.limits)
    this.#refusals = new RefusalLog(environment)
    this.#questions = new Questions((reason) => {
      environment.logger.warn('a question was not answered', { reason })
    })
    this.#tls = tls === undefined ? undefined : new TlsIdentity(checkTlsOptions(tls), environment)
    this.#client = new HttpClient({ insecure, tls: this.#tls })
    const { handshakeMsMax } = this.#limits
    const face = { path: this.#path, insecure, tls: this.#tls, timers: environment.timers, handshakeMsMax }
    this.#face = new HttpFace(face, this.#faceEvents)
  }

  get address(): string | undefined {
    return this.#address
  }

  get statistics(): TransportStatistics {
    return { ...this.#counters }
  }

  readonly handler = (request: IncomingMessage, response: ServerResponse): boolean =>
    this.#face.handle(request, response)

  async start(identity: TransportIdentity, handler: TransportHandler): Promise<void> {
    if (this.#state === 'closed') throw new StoreError('CLOSED', 'The transport is closed.')
    if (this.#state !== 'new') throw new TypeError('The transport was started already.')
    checkIdentity(identity)
    const { environment } = this.#options
    const self = { ...identity, versions: HTTP_VERSIONS, life: randomId(environment.random) }
    const context = { self, handler, environment, limits: this.#limits, counters: this.#counters, client: this.#client }
    this.#state = 'starting'
    try {
      await this.#tls?.ready()
      if (this.#isClosed()) throw new StoreError('CLOSED', 'The transport was closed while it started.')
      await this.#open()
    } catch (error) {
      if (!this.#isClosed()) this.#state = 'new'
      throw error
    }
    this.#state = 'started'
    this.#context = context
    this.#roster.pass(identity.memberId)
    this.#connect(context)
  }

  setPeers(peers: readonly Peer[], removed: readonly PeerId[] = []): void {
    this.#roster.set(peers, removed, this.#context?.self.memberId)
    if (this.#context !== undefined) this.#connect(this.#context)
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
    await this.#tls?.ready()
    if (this.#isClosed()) throw new StoreError('CLOSED', 'The transport is closed.')
    const { timers } = this.#options.environment
    return ask(address, question, { client: this.#client, timers, timeoutMs, signal: this.#closed.signal })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#state = 'closed'
    this.#context = undefined
    this.#unmount?.()
    this.#face.close()
    this.#closed.abort()
    for (const peer of this.#peers.values()) peer.close()
    this.#peers.clear()
    this.#tls?.close()
    await this.#server?.close()
  }

  /** Not the field itself: the compiler believes that what it saw before an `await` still holds. */
  #isClosed(): boolean {
    return this.#state === 'closed'
  }

  async #open(): Promise<void> {
    const options = this.#options
    if ('listen' in options) return this.#listen(options)
    const { server, address, insecure = false } = options
    const parsed = parseHttpAddress(address)
    if (server !== undefined) {
      checkServer(server, { tls: this.#tls !== undefined, insecure })
      this.#unmount = mount(server, this.#path, this.handler)
    }
    this.#address = formatHttpAddress(parsed)
  }

  async #listen({ listen, environment, insecure = false }: HttpListenOptions): Promise<void> {
    const tls = this.#tls
    const parsed = checkListen(listen, insecure || tls !== undefined)
    this.#server = new HttpServer({
      environment,
      limits: this.#limits,
      tls,
      handle: this.handler,
      onRefused: (code, reason, remote) => this.#refused(code, reason, remote),
    })
    this.#address = `${tls === undefined ? 'http' : 'https'}://${await this.#server.listen(parsed)}${this.#path}`
  }

  /** Brings what is asked and what is answered in line with the peers. */
  #connect(context: HttpContext): void {
    for (const [id, peer] of this.#peers) {
      if (this.#roster.get(id) !== undefined) continue
      peer.close()
      this.#peers.delete(id)
    }
    for (const peer of this.#roster.peers) {
      const known = this.#peers.get(peer.id)
      if (known === undefined) this.#peers.set(peer.id, new HttpPeer(peer, context))
      else if (known.address !== peer.address) known.moveTo(peer.address)
    }
  }

  readonly #faceEvents: FaceEvents = {
    self: () => this.#context?.self,
    judge: (hello, socket) => this.#judge(hello, socket),
    onStream: (hello, answer, response) => {
      this.#server?.settle(response.req.socket)
      this.#peers.get(hello.from)?.accept(hello, answer, response)
    },
    onQuestion: async (question) => {
      const handler = this.#context?.handler
      return handler === undefined ? 'untaken' : this.#questions.answer(handler, question)
    },
    onRefused: (code, reason, remote, peer) => this.#refused(code, reason, remote, peer),
  }

  #judge(hello: Hello, socket: Socket): Judgement | undefined {
    const { from } = hello
    const code = this.#roster.refusal(from)
    if (code !== undefined) return { code }
    const why = this.#certificateRefusal(from, socket)
    if (why !== undefined) return { code: 'CERTIFICATE_REFUSED', why }
    if (!this.#peers.get(from)?.isAnotherThan(hello)) return undefined
    return { code: 'DUPLICATE_MEMBER', why: `another process answers as the same member at its address` }
  }

  #certificateRefusal(from: PeerId, socket: Socket): string | undefined {
    if (this.#tls === undefined || !isSecured(socket)) return undefined
    return this.#tls.peerRefusal(socket, () => parseHttpAddress(this.#roster.get(from)?.address ?? '').host)
  }

  #refused(code: ErrorCode, reason: string, remote?: string, peer?: PeerId): void {
    this.#counters.connectionsRefused++
    this.#refusals.add(code, { code, reason, remote, peer })
  }
}

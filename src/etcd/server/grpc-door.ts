/**
 * The door of gRPC: binds services to the handlers of grpc-js.
 *
 * Always: what a service throws becomes a status here, and nothing else does; a bug is logged, and its client told no more
 * than that there was one.
 * Always: the way of a unary call is short: no promise but that of the service, no signal unless it asks for one.
 */
import { Server, ServerCredentials } from '@grpc/grpc-js'
import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  sendUnaryData,
  UntypedServiceImplementation,
} from '@grpc/grpc-js'
import type { Duplex } from 'node:stream'
import type { PeerCertificate } from 'node:tls'
import { AbortSignals } from '../../base/abort-signals.js'
import { assertNever } from '../../base/assert.js'
import { isStoreError } from '../../base/errors.js'
import { LIMITS } from '../../base/limits.js'
import type { Environment } from '../../base/clock.js'
import { Encoder, type MessageType } from '../wire/encoder.js'
import type { WireStatus } from '../wire/status.js'
import { Admission, noLeader } from './admission.js'
import type { CallObserver, ObservedCall } from './call-observer.js'
import type { Callers } from './callers.js'
import { failureOf, STOPPED } from './failure.js'
import { GrpcCall, type Closing, type SurfaceCall } from './grpc-call.js'
import type { Received } from './grpc-definition.js'
import { grpcDefinitionOf } from './grpc-definition.js'
import { handOverAtOnce } from './grpc-stream-call.js'
import { Requests, sendAll, type Outgoing } from './grpc-stream.js'
import { LeaderWatch } from './leader-watch.js'
import type { Settings } from './options.js'
import { Refusal } from './refusal.js'
import type { ServedMethod } from './services.js'
import type { Store } from '../../api/store.js'

export interface GrpcDoorParts {
  readonly store: Store
  readonly methods: ReadonlyMap<string, ServedMethod>
  readonly callers: Callers
  readonly settings: Settings
  readonly observer: CallObserver
  /** The user whom the certificate of a connection through TLS names, where that is to count. */
  readonly userOf: (certificate: PeerCertificate) => string | undefined
}

type Of<Type extends ServedMethod['type']> = Extract<ServedMethod, { readonly type: Type }>

type UnaryCall = SurfaceCall & { readonly request: Received }

/** One way through the door. */
interface Passage {
  readonly path: string
  readonly observed: ObservedCall
  readonly startMs: number
}

export class GrpcDoor {
  readonly #parts: GrpcDoorParts
  readonly #environment: Environment
  readonly #admission: Admission
  readonly #leaderWatch: LeaderWatch
  readonly #server: Server
  readonly #injector: ReturnType<Server['createConnectionInjector']>
  readonly #encoder = new Encoder()
  readonly #unaries = new Set<SurfaceCall>()
  readonly #streams = new Set<Outgoing>()
  readonly #closer = new AbortController()
  readonly #closing: Closing = { signal: this.#closer.signal, listeners: new AbortSignals() }

  constructor(parts: GrpcDoorParts) {
    this.#parts = parts
    this.#environment = parts.store.environment
    this.#admission = new Admission(parts.store)
    this.#leaderWatch = new LeaderWatch(parts.store)
    const { requestBytesMax, concurrentStreamsMax, keepAliveIntervalMs, keepAliveTimeoutMs } = parts.settings
    this.#server = new Server({
      'grpc.max_receive_message_length': requestBytesMax + LIMITS.etcdMessageOverheadBytes,
      'grpc.max_send_message_length': -1,
      'grpc.max_concurrent_streams': concurrentStreamsMax,
      'grpc.keepalive_time_ms': keepAliveIntervalMs,
      'grpc.keepalive_timeout_ms': keepAliveTimeoutMs,
      // Its figures cost time with each message, and nobody asks for them.
      'grpc.enable_channelz': 0,
      interceptors: [handOverAtOnce],
    })
    for (const method of parts.methods.values()) this.#bind(method)
    this.#injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure())
  }

  /** Serves a connection of HTTP/2, encrypted by somebody else or not at all. */
  take(socket: Duplex): void {
    this.#injector.injectConnection(socket)
  }

  /** By one connection often. */
  *busyPeers(): Iterable<string> {
    for (const calls of [this.#unaries, this.#streams]) for (const call of calls) yield peerOfCall(call)
  }

  /** No new calls; streams end, unary calls under way finish, for LIMITS.etcdDrainMsMax; then all connections are closed. */
  async close(): Promise<void> {
    for (const stream of this.#streams) end(stream, STOPPED)
    this.#closer.abort()
    this.#leaderWatch.close()
    await this.#drained()
    this.#server.forceShutdown()
  }

  /** A connection is closed when all that was under way on it has been sent and taken. */
  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#environment.timers.after(LIMITS.etcdDrainMsMax, resolve)
      this.#server.tryShutdown(() => {
        cancel()
        resolve()
      })
    })
  }

  #bind(method: ServedMethod): void {
    const definition = grpcDefinitionOf(method, this.#parts.settings)
    this.#server.addService({ method: definition }, { method: this.#handlerOf(method) })
  }

  #handlerOf(method: ServedMethod): UntypedServiceImplementation[string] {
    switch (method.type) {
      case 'unary':
        return this.#unary(method)
      case 'streaming':
        return this.#streaming(method)
      case 'duplex':
        return this.#duplex(method)
      default:
        return assertNever(method, 'method')
    }
  }

  #unary({ perform, definition, responseType }: Of<'unary'>): handleUnaryCall<Received, Buffer> {
    return (call, callback) => {
      const passage = this.#begin(definition.path, call)
      this.#unaries.add(call)
      try {
        const request = call.request.open(passage.observed)
        const response = perform(request, this.#admit(call, definition.path, request))
        response.then(
          (value) => this.#respond(call, callback, passage, responseType, value),
          (error: unknown) => this.#fail(call, callback, passage, error),
        )
      } catch (error) {
        this.#fail(call, callback, passage, error)
      }
    }
  }

  #respond(
    call: UnaryCall,
    callback: sendUnaryData<Buffer>,
    passage: Passage,
    responseType: MessageType<unknown>,
    value: unknown,
  ): void {
    let bytes
    try {
      bytes = this.#encoder.encode(responseType, value)
    } catch (error) {
      this.#fail(call, callback, passage, error)
      return
    }
    passage.observed.sent(bytes.length)
    passage.observed.ended(OK)
    callback(null, bytes)
    this.#left(call, passage)
  }

  #fail(call: UnaryCall, callback: sendUnaryData<Buffer>, passage: Passage, error: unknown): void {
    const status = this.#statusOf(error, passage.path)
    passage.observed.ended(status.code, status.details)
    callback(status)
    this.#left(call, passage)
  }

  #left(call: UnaryCall, { path, startMs }: Passage): void {
    this.#unaries.delete(call)
    const tookMs = this.#environment.clock.monotonicMs() - startMs
    if (tookMs <= LIMITS.etcdSlowCallMs) return
    // What it was about is its caller's own: a password may be in it.
    const fields = { path, tookMs: Math.round(tookMs), requestBytes: call.request.bytes }
    this.#environment.logger.warn('a call of etcd took long', fields)
  }

  #streaming({ perform, definition, responseType }: Of<'streaming'>): handleServerStreamingCall<Received, Buffer> {
    return (call) => {
      void this.#run(call, { path: definition.path, responseType }, ({ observed }) => {
        const request = call.request.open(observed)
        return perform(request, this.#admit(call, definition.path, request))
      })
    }
  }

  #duplex({ perform, definition, responseType }: Of<'duplex'>): handleBidiStreamingCall<Received, Buffer> {
    return (call) => {
      void this.#run(call, { path: definition.path, responseType }, ({ observed }) => {
        const requests = new Requests(call, observed)
        return perform(requests, this.#admit(call, definition.path, undefined))
      })
    }
  }

  /** Never rejects. */
  async #run(
    stream: Outgoing,
    { path, responseType }: { readonly path: string; readonly responseType: MessageType<unknown> },
    start: (passage: Passage) => AsyncIterable<unknown>,
  ): Promise<void> {
    const passage = this.#begin(path, stream)
    const { observed } = passage
    this.#streams.add(stream)
    const forget = this.#endWithoutLeader(stream)
    stream.once('cancelled', () => this.#streams.delete(stream))
    try {
      const serialize = (response: unknown): Buffer => this.#encoder.encode(responseType, response)
      await sendAll(stream, start(passage), serialize, observed)
      observed.ended(stream.cancelled ? CANCELED.code : OK)
      stream.end()
    } catch (error) {
      const status = stream.cancelled ? CANCELED : this.#statusOf(error, path)
      observed.ended(status.code, status.details)
      if (!stream.cancelled) end(stream, status)
    } finally {
      forget?.()
      this.#streams.delete(stream)
    }
  }

  #endWithoutLeader(stream: Outgoing): (() => void) | undefined {
    if (!needsLeader(stream)) return undefined
    return this.#leaderWatch.watch(() => end(stream, this.#statusOf(noLeader(), '')))
  }

  #begin(path: string, { metadata }: SurfaceCall): Passage {
    const observed = this.#parts.observer.begin(path, metadata.get('client-api-version')[0]?.toString())
    return { path, observed, startMs: this.#environment.clock.monotonicMs() }
  }

  /** Throws what a call is refused with whatever it asks for. */
  #admit(call: SurfaceCall, path: string, request: unknown): GrpcCall {
    if (this.#closing.signal.aborted) throw new Refusal('UNAVAILABLE', STOPPED.details)
    this.#admission.check(path, request, needsLeader(call))
    const { metadata } = call
    const [token = metadata.get('authorization')[0]] = metadata.get('token')
    const user = token === undefined ? this.#userOf(call) : undefined
    return new GrpcCall(this.#parts.callers.of(token?.toString(), user), call, this.#closing)
  }

  #userOf(call: SurfaceCall): string | undefined {
    const { sslPeerCertificate: certificate } = call.getAuthContext()
    return certificate && this.#parts.userOf(certificate)
  }

  #statusOf(error: unknown, path: string): WireStatus {
    // What the service was told to end when the server closes.
    if (isStoreError(error, 'ABORTED') && this.#closing.signal.aborted) return STOPPED
    return failureOf(error, path, this.#environment.logger)
  }
}

const OK = 0
const CANCELED: WireStatus = { code: 1, details: 'the client has gone' }

/** 'unknown' of a connection that is being closed. */
function peerOfCall(call: SurfaceCall): string {
  try {
    return call.getPeer()
  } catch {
    return 'unknown'
  }
}

/** As etcd's clients ask for it. */
function needsLeader({ metadata }: Pick<SurfaceCall, 'metadata'>): boolean {
  return metadata.get('hasleader')[0] === 'true'
}

/** Ends a stream with a status, whatever of it waits to be sent. */
function end(stream: Outgoing, status: WireStatus): void {
  stream.emit('error', status)
}

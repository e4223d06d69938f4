/**
 * The door of gRPC: binds services to the handlers of grpc-js.
 *
 * Always: what a service throws becomes a status here, and nothing else does; a bug is logged, and its client told no more
 * than that there was one.
 * Always: the way of a unary call is short: no promise but that of the service, no signal unless it asks for one.
 */
import { Server, ServerCredentials, status as Status } from '@grpc/grpc-js'
import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  MethodDefinition,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js'
import type { Socket } from 'node:net'
import { assertNever } from '../../base/assert.js'
import { isStoreError } from '../../base/errors.js'
import { LIMITS } from '../../base/limits.js'
import type { Environment } from '../../base/clock.js'
import { statusOf, type WireStatus } from '../wire/status.js'
import type { CallObserver, ObservedCall } from './call-observer.js'
import type { Callers } from './callers.js'
import { GrpcCall, type SurfaceCall } from './grpc-call.js'
import { Requests, sendAll, type Outgoing } from './grpc-stream.js'
import type { Settings } from './options.js'
import { Refusal } from './refusal.js'
import type { ServedMethod } from './services.js'

export interface GrpcDoorParts {
  readonly methods: ReadonlyMap<string, ServedMethod>
  readonly callers: Callers
  readonly settings: Settings
  readonly environment: Environment
  readonly observer: CallObserver
}

type Of<Type extends ServedMethod['type']> = Extract<ServedMethod, { readonly type: Type }>

export class GrpcDoor {
  readonly #parts: GrpcDoorParts
  readonly #server: Server
  readonly #injector: ReturnType<Server['createConnectionInjector']>
  readonly #streams = new Set<Outgoing>()
  readonly #closing = new AbortController()
  #unaryCalls = 0
  #lastUnary: (() => void) | undefined

  constructor(parts: GrpcDoorParts) {
    this.#parts = parts
    const { requestBytesMax, concurrentStreamsMax } = parts.settings
    this.#server = new Server({
      'grpc.max_receive_message_length': requestBytesMax + LIMITS.etcdMessageOverheadBytes,
      'grpc.max_send_message_length': -1,
      'grpc.max_concurrent_streams': concurrentStreamsMax,
      // Its figures cost time with each message, and nobody asks for them.
      'grpc.enable_channelz': 0,
    })
    for (const method of parts.methods.values()) this.#bind(method)
    this.#injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure())
  }

  /** Serves a connection of HTTP/2, encrypted by somebody else or not at all. */
  take(socket: Socket): void {
    this.#injector.injectConnection(socket)
  }

  /** No new calls; streams end, unary calls under way finish within LIMITS.etcdDrainMsMax; then all connections are closed. */
  async close(): Promise<void> {
    for (const stream of this.#streams) end(stream, STOPPED)
    this.#closing.abort()
    this.#injector.drain(LIMITS.etcdDrainMsMax)
    if (this.#unaryCalls > 0) await this.#drained()
    this.#server.forceShutdown()
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#parts.environment.timers.after(LIMITS.etcdDrainMsMax, resolve)
      this.#lastUnary = () => {
        cancel()
        resolve()
      }
    })
  }

  #bind(method: ServedMethod): void {
    const definition = this.#definitionOf(method)
    const service: ServiceDefinition = { method: definition }
    const implementation: UntypedServiceImplementation = { method: this.#handlerOf(method) }
    this.#server.addService(service, implementation)
  }

  #definitionOf({ type, definition }: ServedMethod): MethodDefinition<unknown, unknown> {
    const { path, requestStream, responseStream, requestDeserialize } = definition
    const bytesMax = type === 'duplex' ? LIMITS.etcdStreamRequestBytesMax : this.#parts.settings.requestBytesMax
    return {
      path,
      requestStream,
      responseStream,
      // Not thrown: what a deserializer throws is told to the client as a message that cannot be read.
      requestDeserialize: (bytes): Received => ({
        request: bytes.length > bytesMax ? TOO_LARGE : requestDeserialize(bytes),
        bytes: bytes.length,
      }),
      // Serialized before it is handed over, so that its bytes are known.
      responseSerialize: (bytes) => bytes as Buffer,
      // Of clients only, yet asked for.
      requestSerialize: notHere,
      responseDeserialize: notHere,
    }
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

  #unary({ perform, definition }: Of<'unary'>): handleUnaryCall<unknown, unknown> {
    return (call, callback) => {
      this.#unaryCalls++
      const observed = this.#observe(call, definition.path)
      const fail = (error: unknown): void => {
        this.#unaryDone()
        const status = this.#statusOf(error, definition.path)
        observed.ended(call.cancelled ? Status.CANCELLED : status.code, status.details)
        callback(status)
      }
      let response: Promise<unknown>
      try {
        response = perform(taken(call.request, observed), this.#admit(call))
      } catch (error) {
        fail(error)
        return
      }
      response
        .then((value) => {
          const bytes = definition.responseSerialize(value)
          this.#unaryDone()
          observed.sent(bytes.length)
          observed.ended(call.cancelled ? Status.CANCELLED : Status.OK)
          callback(null, bytes)
        })
        .catch(fail)
    }
  }

  #unaryDone(): void {
    this.#unaryCalls--
    if (this.#unaryCalls === 0) this.#lastUnary?.()
  }

  #streaming({ perform, definition }: Of<'streaming'>): handleServerStreamingCall<unknown, Buffer> {
    return (call) => {
      void this.#run(call, definition, (observed) => perform(taken(call.request, observed), this.#admit(call)))
    }
  }

  #duplex({ perform, definition }: Of<'duplex'>): handleBidiStreamingCall<unknown, Buffer> {
    return (call) => {
      void this.#run(call, definition, (observed) => {
        const requests = new Requests(call, (received) => taken(received, observed))
        return perform(requests, this.#admit(call))
      })
    }
  }

  /** Never rejects. */
  async #run(
    stream: Outgoing,
    { path, responseSerialize }: ServedMethod['definition'],
    start: (observed: ObservedCall) => AsyncIterable<unknown>,
  ): Promise<void> {
    const observed = this.#observe(stream, path)
    this.#streams.add(stream)
    stream.once('cancelled', () => this.#streams.delete(stream))
    try {
      await sendAll(stream, start(observed), (response) => {
        const bytes = responseSerialize(response)
        observed.sent(bytes.length)
        return bytes
      })
      observed.ended(stream.cancelled ? Status.CANCELLED : Status.OK)
      stream.end()
    } catch (error) {
      const status = stream.cancelled ? CANCELLED : this.#statusOf(error, path)
      observed.ended(status.code, status.details)
      if (!stream.cancelled) end(stream, status)
    } finally {
      this.#streams.delete(stream)
    }
  }

  #observe({ metadata }: SurfaceCall, path: string): ObservedCall {
    return this.#parts.observer.begin(path, metadata.get('client-api-version')[0]?.toString())
  }

  /** Throws what a call is refused with whatever it asks for. */
  #admit(call: SurfaceCall): GrpcCall {
    if (this.#closing.signal.aborted) throw new Refusal('UNAVAILABLE', STOPPED.details)
    const { metadata } = call
    const [token = metadata.get('authorization')[0]] = metadata.get('token')
    const store = this.#parts.callers.of(token?.toString(), undefined)
    return new GrpcCall(store, call, this.#closing.signal)
  }

  #statusOf(error: unknown, path: string): WireStatus {
    if (error instanceof Refusal) return { code: Status[error.status], details: error.message }
    // What the service was told to end when the server closes.
    if (isStoreError(error, 'ABORTED') && this.#closing.signal.aborted) return STOPPED
    if (isStoreError(error)) return statusOf(error)
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#parts.environment.logger.error('a call of etcd failed for a reason that none should', { path, reason })
    return { code: Status.INTERNAL, details: 'internal error; the log of the server has more' }
  }
}

/** A request with the bytes that it had. */
interface Received {
  readonly request: unknown
  readonly bytes: number
}

/** Throws where it is none to be looked at. */
function taken(received: unknown, observed: ObservedCall): unknown {
  const { request, bytes } = received as Received
  observed.received(bytes)
  if (request instanceof Refusal) throw request
  return request
}

const CANCELLED: WireStatus = { code: Status.CANCELLED, details: 'the client gave it up' }
const STOPPED: WireStatus = { code: Status.UNAVAILABLE, details: 'etcdserver: server stopped' }
const TOO_LARGE = new Refusal('INVALID_ARGUMENT', 'etcdserver: request is too large')

/** Ends a stream with a status, whatever of it waits to be sent. */
function end(stream: Outgoing, status: WireStatus): void {
  stream.emit('error', status)
}

function notHere(): never {
  throw new TypeError('A server neither serializes requests nor reads responses.')
}

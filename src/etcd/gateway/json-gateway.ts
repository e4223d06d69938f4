/**
 * The door of JSON: etcd's gateway, by which everything that gRPC does can be done with a POST.
 *
 * Always: what a service throws becomes a status here, as through the door of gRPC, and with the same text.
 * Always: a request is read whole before it is acted on, and refused before it is held if it is too large.
 * Always: who calls is told by the token of the request alone, never by a client certificate: a proxy may be in between that
 * has one of its own.
 */
import { status as Status } from '@grpc/grpc-js'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { assertNever } from '../../base/assert.js'
import { AbortSignals } from '../../base/abort-signals.js'
import { isStoreError } from '../../base/errors.js'
import { LIMITS } from '../../base/limits.js'
import type { Environment } from '../../base/clock.js'
import type { Store } from '../../api/store.js'
import { Admission } from '../server/admission.js'
import type { CallObserver, ObservedCall } from '../server/call-observer.js'
import type { Callers } from '../server/callers.js'
import { failureOf, STOPPED } from '../server/failure.js'
import type { Closing } from '../server/grpc-call.js'
import { Refusal } from '../server/refusal.js'
import type { ServedMethod } from '../server/services.js'
import type { WireStatus } from '../wire/status.js'
import { answerFailure, answerJson } from './answer.js'
import { decodeRequest } from './decode.js'
import { HttpCall } from './http-call.js'
import { jsonObjects } from './json-stream.js'
import { chunksOf, readBody } from './request-body.js'
import { ResultStream } from './result-stream.js'
import { ROUTES, type Route } from './routes.js'

export interface JsonGatewayParts {
  readonly store: Store
  readonly methods: ReadonlyMap<string, ServedMethod>
  readonly callers: Callers
  readonly observer: CallObserver
  readonly requestBytesMax: number
}

/** One request, and what is told of it. */
interface Exchange {
  readonly route: Route
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly observed: ObservedCall
}

type Stream = Extract<ServedMethod, { readonly type: 'streaming' | 'duplex' }>

export class JsonGateway {
  readonly #parts: JsonGatewayParts
  readonly #routes = new Map(ROUTES.map((route) => [route.path, route]))
  readonly #environment: Environment
  readonly #admission: Admission
  readonly #closer = new AbortController()
  readonly #closing: Closing = { signal: this.#closer.signal, listeners: new AbortSignals() }
  readonly #streams = new Set<ResultStream>()

  constructor(parts: JsonGatewayParts) {
    this.#parts = parts
    this.#environment = parts.store.environment
    this.#admission = new Admission(parts.store)
  }

  /** Resolves when it is answered; never rejects. */
  async serve(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const route = this.#routes.get(path)
    if (route === undefined) return answerFailure(response, { code: Status.NOT_FOUND, details: 'Not Found' })
    if (request.method !== 'POST') return refuseMethod(response)
    const method = this.#parts.methods.get(route.definition.path)
    if (method === undefined) return answerFailure(response, unimplemented(route))
    const exchange = { route, request, response, observed: this.#parts.observer.begin(route.definition.path) }
    if (method.type === 'unary') await this.#answerUnary(exchange, method.perform)
    else await this.#answerStream(exchange, method)
  }

  /** Streams end; calls that are under way go on, and new ones are refused. */
  close(): void {
    for (const stream of this.#streams) stream.fail(STOPPED)
    this.#closer.abort()
  }

  async #answerUnary(exchange: Exchange, perform: Extract<ServedMethod, { type: 'unary' }>['perform']): Promise<void> {
    const { route, response, observed } = exchange
    try {
      const message = await this.#readRequest(exchange)
      const body = route.response.toJSON(await perform(message, this.#admit(exchange, message)))
      answerJson(response, 200, body)
      observed.sent(Number(response.getHeader('content-length')))
      observed.ended(Status.OK)
    } catch (error) {
      const failure = this.#failureOf(error, exchange)
      answerFailure(response, failure)
      observed.ended(failure.code, failure.details)
    }
  }

  async #answerStream(exchange: Exchange, method: Stream): Promise<void> {
    const { route, response, observed } = exchange
    const stream = new ResultStream(response)
    this.#streams.add(stream)
    try {
      for await (const result of await this.#start(exchange, method)) {
        if (stream.isOver) break
        observed.sent(await stream.send(route.response.toJSON(result)))
        if (stream.isOver) break
      }
      if (this.#closing.signal.aborted) throw STOPPED_REFUSAL
      if (stream.isOver) throw CLIENT_GONE
      stream.end()
      observed.ended(Status.OK)
    } catch (error) {
      const failure = this.#failureOf(error, exchange)
      stream.fail(failure)
      observed.ended(failure.code, failure.details)
    } finally {
      this.#streams.delete(stream)
    }
  }

  async #start(exchange: Exchange, method: Stream): Promise<AsyncIterable<unknown>> {
    switch (method.type) {
      case 'streaming': {
        const message = await this.#readRequest(exchange)
        return method.perform(message, this.#admit(exchange, message))
      }
      case 'duplex':
        return method.perform(this.#readRequests(exchange), this.#admit(exchange, undefined))
      default:
        return assertNever(method, 'method')
    }
  }

  #admit({ route, request, response }: Exchange, message: unknown): HttpCall {
    if (this.#closing.signal.aborted) throw STOPPED_REFUSAL
    this.#admission.check(route.definition.path, message, false)
    const store = this.#parts.callers.of(request.headers.authorization, undefined)
    return new HttpCall(store, response, this.#closing)
  }

  /** The one request that the body is; who sends it too slowly is cut off. */
  async #readRequest({ route, request, observed }: Exchange): Promise<unknown> {
    const { requestBytesMax } = this.#parts
    const cancel = this.#environment.timers.after(LIMITS.etcdBodyMsMax, () => request.destroy())
    try {
      const body = await readBody(request, bodyBytesMax(requestBytesMax))
      observed.received(body.length)
      const message = decodeRequest(body, route.request)
      // JSON is longer than what it says: only what is too long as JSON may be too long.
      if (body.length > requestBytesMax && route.definition.requestSerialize(message).length > requestBytesMax) {
        throw new Refusal('INVALID_ARGUMENT', 'etcdserver: request is too large')
      }
      return message
    } finally {
      cancel()
    }
  }

  /** Requests as they come, until the body ends or the client has gone. */
  async *#readRequests({ route, request, observed }: Exchange): AsyncGenerator<unknown> {
    for await (const object of jsonObjects(chunksOf(request), LIMITS.etcdStreamRequestBytesMax)) {
      observed.received(object.length)
      yield decodeRequest(object, route.request)
    }
  }

  #failureOf(error: unknown, { route, response }: Exchange): WireStatus {
    // Nobody reads it; and what broke is the connection: no bug.
    if (response.closed && !response.writableFinished) return { code: Status.CANCELLED, details: CLIENT_GONE.message }
    if (isStoreError(error, 'ABORTED') && this.#closing.signal.aborted) return STOPPED
    return failureOf(error, route.definition.path, this.#environment.logger)
  }
}

const CLIENT_GONE = new Refusal('CANCELLED', 'the client has gone')
const STOPPED_REFUSAL = new Refusal('UNAVAILABLE', STOPPED.details)

/** Four characters of base64 are three bytes; around them are names, quotes and commas. */
function bodyBytesMax(requestBytesMax: number): number {
  return Math.ceil(requestBytesMax / 3) * 4 + LIMITS.etcdMessageOverheadBytes
}

function refuseMethod(response: ServerResponse): void {
  response.setHeader('Allow', 'POST')
  answerJson(response, 405, { error: METHOD, code: Status.UNIMPLEMENTED, message: METHOD, details: [] })
}

const METHOD = 'Method Not Allowed'

function unimplemented({ definition }: Route): WireStatus {
  return { code: Status.UNIMPLEMENTED, details: `unknown method ${definition.path}` }
}

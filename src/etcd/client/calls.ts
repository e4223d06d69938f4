/** Calls over gRPC: on whichever server answers, with the token of whoever calls, made again where that does no harm. */
import { Metadata, type CallOptions, type ServiceError } from '@grpc/grpc-js'
import type { Cancel, Environment } from '../../base/clock.js'
import { StoreError } from '../../base/errors.js'
import { LIMITS } from '../../base/limits.js'
import { ETCD_VERSION } from '../wire/version.js'
import { reconnectMs } from './backoff.js'
import type { Balancer } from './balancer.js'
import type { ClientMethod } from './client-method.js'
import { RECEIVE_BYTES_MAX, type Connection } from './connection.js'
import { DuplexCall } from './duplex-call.js'
import { failureOf, type Failure } from './failure.js'
import type { Login } from './login.js'
import { givingUp, type CallLimits, type Waiting } from './waiting.js'

export interface CallsParts {
  readonly waiting: Waiting
  readonly balancer: Balancer
  readonly login: Login
  readonly environment: Environment
}

/** The longest that gRPC times; beyond, it would take it for over. */
const DEADLINE_MS_MAX = 2 ** 31 - 1

/** Refusals of a token that another token may not meet. */
const OF_TOKEN: readonly string[] = ['AUTH_TOKEN_INVALID', 'AUTH_REVISION_OLD', 'USER_EMPTY']

const NOT_SENT = givingUp('the request was sent to a server')

/** A try that failed. */
class Attempted extends Error {
  constructor(readonly failure: Failure) {
    super(failure.error.message)
  }
}

export class Calls {
  readonly #parts: CallsParts
  /** Without a token, for single calls and for streams; they are not changed. */
  readonly #plain = metadataOf(undefined, false)
  readonly #plainStream = metadataOf(undefined, true)

  constructor(parts: CallsParts) {
    this.#parts = parts
  }

  get login(): Login {
    return this.#parts.login
  }

  /** Rejects with `CLOSED`, `ABORTED`, `TIMEOUT`, and with what the server says. */
  unary<Request, Response>(
    method: ClientMethod<Request, Response>,
    request: Request,
    limits: CallLimits,
    repeatable: boolean,
  ): Promise<Response> {
    return this.#perform(limits, repeatable, (connection, token) => {
      return this.#once(connection, method, request, limits, token)
    })
  }

  /** The same over a method with streams: one request, and the first response. It may be made twice without harm. */
  ask<Request, Response>(
    method: ClientMethod<Request, Response>,
    request: Request,
    limits: CallLimits,
  ): Promise<Response> {
    return this.#perform(limits, true, (connection, token) => {
      return this.#askOnce(connection, method, request, limits, token)
    })
  }

  /** One request, many responses. */
  async *stream<Request, Response>(
    method: ClientMethod<Request, Response>,
    request: Request,
    limits: CallLimits,
  ): AsyncGenerator<Response, void, undefined> {
    const call = await this.open(method, limits)
    try {
      call.write(request)
      call.end()
      for (;;) {
        const response = await call.next()
        if (response === undefined) return
        yield response
      }
    } finally {
      call.cancel()
    }
  }

  /** Many requests, many responses. */
  async *duplex<Request, Response>(
    method: ClientMethod<Request, Response>,
    requests: AsyncIterable<Request>,
    limits: CallLimits,
  ): AsyncGenerator<Response, void, undefined> {
    const call = await this.open(method, limits)
    const iterator = requests[Symbol.asyncIterator]()
    void call.sendAll(iterator)
    try {
      for (;;) {
        const response = await call.next()
        if (response === undefined) return
        yield response
      }
    } finally {
      call.cancel()
      void iterator.return?.().catch(() => undefined)
    }
  }

  /** A stream on a server that has a leader; whatever ends it is told by its `next`. */
  async open<Request, Response>(
    method: ClientMethod<Request, Response>,
    limits: CallLimits,
  ): Promise<DuplexCall<Request, Response>> {
    const { balancer, waiting } = this.#parts
    balancer.closed.throwIfAborted()
    waiting.check(limits, NOT_SENT)
    const connection = balancer.ready ?? (await balancer.connected(limits))
    const token = await this.#token(limits)
    const metadata = token === undefined ? this.#plainStream : metadataOf(token, true)
    const stream = connection.client.makeBidiStreamRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      metadata,
      this.#optionsOf(limits),
    )
    return new DuplexCall(stream, {
      onAbort: (action) => this.#onEnd(limits.signal, action),
      worked: () => {
        balancer.worked(connection)
      },
      errorOf: (error) => {
        const failure = this.#failure(error, limits)
        if (failure.elsewhere) balancer.failed(connection, failure.error.message)
        this.#renews(failure, token)
        return failure.error
      },
    })
  }

  /** Before a call is made again: at once the first time, then later each time. */
  async rest(tries: number, { signal }: CallLimits): Promise<void> {
    const { waiting, environment } = this.#parts
    if (tries > 0) await waiting.pause(reconnectMs(tries - 1, environment.random), signal)
  }

  /** Tries until one succeeds, or fails for what another try does not mend. */
  async #perform<Response>(
    limits: CallLimits,
    repeatable: boolean,
    attempt: (connection: Connection, token: string | undefined) => Promise<Response>,
  ): Promise<Response> {
    const { balancer, waiting, login } = this.#parts
    let logins = 0
    let tries = 0
    let giveUp = NOT_SENT
    for (;;) {
      balancer.closed.throwIfAborted()
      waiting.check(limits, giveUp)
      const connection = balancer.ready ?? (await balancer.connected(limits))
      const token = login.known === undefined ? await this.#token(limits) : login.known.text
      try {
        const response = await attempt(connection, token)
        balancer.worked(connection)
        return response
      } catch (error) {
        if (!(error instanceof Attempted)) throw error
        const { failure } = error
        if (failure.elsewhere) balancer.failed(connection, failure.error.message)
        if (this.#renews(failure, token) && logins++ < LIMITS.clientLoginsMax) continue
        if (!failure.untouched && !(repeatable && failure.passes)) throw failure.error
        giveUp = givingUp(`a server took it up; the last one said: ${failure.error.message}`)
        await this.rest(tries++, limits)
      }
    }
  }

  #askOnce<Request, Response>(
    connection: Connection,
    method: ClientMethod<Request, Response>,
    request: Request,
    limits: CallLimits,
    token: string | undefined,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const stream = connection.client.makeBidiStreamRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        token === undefined ? this.#plain : metadataOf(token, false),
        this.#optionsOf(limits),
      )
      stream.on('data', (response: Response) => {
        stop()
        stream.cancel()
        resolve(response)
      })
      stream.on('error', (error: ServiceError) => {
        stop()
        reject(new Attempted(this.#failure(error, limits)))
      })
      stream.on('end', () => {
        stop()
        const error = new StoreError('UNREACHABLE', 'The stream ended without a response.', { outcome: 'unknown' })
        reject(new Attempted({ error, untouched: false, elsewhere: true, passes: true }))
      })
      const stop = this.#onEnd(limits.signal, () => {
        stream.cancel()
      })
      stream.write(request)
      stream.end()
    })
  }

  #once<Request, Response>(
    connection: Connection,
    method: ClientMethod<Request, Response>,
    request: Request,
    limits: CallLimits,
    token: string | undefined,
  ): Promise<Response> {
    return new Promise((resolve, reject) => {
      const call = connection.client.makeUnaryRequest(
        method.path,
        method.requestSerialize,
        method.responseDeserialize,
        request,
        token === undefined ? this.#plain : metadataOf(token, false),
        this.#optionsOf(limits),
        (error, response) => {
          stop()
          if (error === null) resolve(response as Response)
          else reject(new Attempted(this.#failure(error, limits)))
        },
      )
      const stop = this.#onEnd(limits.signal, () => {
        call.cancel()
      })
    })
  }

  /** Who was given up by its caller, or with the client, is told that and not what the network made of it. */
  #failure(error: ServiceError, { signal }: CallLimits): Failure {
    const { closed } = this.#parts.balancer
    const over = (code: 'ABORTED' | 'CLOSED', message: string, cause: unknown): Failure => {
      return {
        error: new StoreError(code, message, { outcome: 'unknown', cause }),
        untouched: false,
        elsewhere: false,
        passes: false,
      }
    }
    if (signal?.aborted === true) {
      return over('ABORTED', 'The signal was aborted before the server answered.', signal.reason)
    }
    if (closed.aborted) return over('CLOSED', 'The client was closed before the server answered.', undefined)
    return failureOf(error, RECEIVE_BYTES_MAX)
  }

  /** Calls `action` when the caller gives up, or the client is closed: gRPC would let calls that it has begun go on. */
  #onEnd(signal: AbortSignal | undefined, action: () => void): Cancel {
    const { waiting, balancer } = this.#parts
    const stopClosed = waiting.onAbort(balancer.closed, action)
    const stopSignal = waiting.onAbort(signal, action)
    return () => {
      stopClosed()
      stopSignal()
    }
  }

  async #token(limits: CallLimits): Promise<string | undefined> {
    const { login, waiting } = this.#parts
    return waiting.within(login.token(), limits, givingUp('the login was answered'))
  }

  /** Whether the call can be made again with another token. */
  #renews({ error }: Failure, token: string | undefined): boolean {
    const { login } = this.#parts
    if (!login.canRenew || !OF_TOKEN.includes(error.code)) return false
    login.refused(token)
    return true
  }

  #optionsOf(limits: CallLimits): CallOptions {
    const leftMs = this.#parts.waiting.leftMs(limits)
    return leftMs > DEADLINE_MS_MAX ? {} : { deadline: this.#parts.environment.clock.wallMs() + leftMs }
  }
}

function metadataOf(token: string | undefined, isStream: boolean): Metadata {
  const metadata = new Metadata()
  metadata.set('client-api-version', ETCD_VERSION.server)
  // So that a member that is cut off from the others does not keep a stream that will never bring anything.
  if (isStream) metadata.set('hasleader', 'true')
  if (token !== undefined) metadata.set('token', token)
  return metadata
}

/**
 * What comes in over HTTP, whoever's server it came to: streams for peers, questions for anybody, a word for all others.
 *
 * Always: nothing that comes from outside throws past this file, and none of it is kept before it is known to be wanted.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import { isStoreError, StoreError } from '../base/errors.js'
import type { ErrorCode } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { isLoopback } from './address.js'
import type { Answer, Hello } from './handshake.js'
import { readBody } from './http-body.js'
import { ANSWER_HEADER, answerHeader, NO_ANSWER_HEADER, readHello, REFUSAL_STATUS } from './http-handshake.js'
import { QUESTION_PATH, STREAM_PATH } from './http-paths.js'
import { hasBody, respond } from './http-response.js'
import { NO_ANSWER } from './question.js'
import type { NoAnswer } from './question.js'
import type { PeerId } from './transport.js'

/** Whom the face asks, and tells. */
export interface FaceEvents {
  /** Undefined when nobody is there yet, or any more. */
  answer(hello: Hello, socket: Socket): Answer | undefined
  /** The answer accepted: the stream is opened. */
  onStream(hello: Hello, answer: Answer & { type: 'accepted' }, response: ServerResponse): void
  /** Never rejects. */
  onQuestion(question: Uint8Array): Promise<Uint8Array | NoAnswer>
  onRefused(code: ErrorCode, reason: string, remote: string, peer?: PeerId): void
}

export interface FaceOptions {
  readonly path: string
  readonly insecure: boolean
}

export class HttpFace {
  readonly #options: FaceOptions
  readonly #events: FaceEvents
  /** Connections that are a stream now: nothing else is to come on them. */
  readonly #streaming = new WeakSet<Socket>()

  constructor(options: FaceOptions, events: FaceEvents) {
    this.#options = options
    this.#events = events
  }

  /** False for a request that is not under the path. */
  handle(request: IncomingMessage, response: ServerResponse): boolean {
    const route = this.#routeOf(request)
    if (route === undefined) return false
    // Node ends the process over an error of a stream that nobody listens to.
    request.on('error', () => undefined)
    response.on('error', () => undefined)
    if (this.#streaming.has(request.socket)) {
      // Behind an endless response it would wait forever, and so would any number of others.
      request.socket.destroy()
      return true
    }
    try {
      this.#checkProven(request.socket)
      this.#dispatch(route, request, response)
    } catch (error) {
      this.#refuse(request, response, error as Error)
    }
    return true
  }

  /** What follows our path; undefined where something else is asked for. */
  #routeOf(request: IncomingMessage & { readonly originalUrl?: unknown }): string | undefined {
    // A framework that mounts us under a path takes that path off `url`.
    const url = typeof request.originalUrl === 'string' ? request.originalUrl : (request.url ?? '')
    const [pathname = ''] = url.split('?', 1)
    const { path } = this.#options
    if (!pathname.startsWith(path)) return undefined
    const route = pathname.slice(path.length)
    return route === '' || route.startsWith('/') ? route : undefined
  }

  #dispatch(route: string, request: IncomingMessage, response: ServerResponse): void {
    switch (route) {
      case STREAM_PATH:
        if (request.method !== 'GET') return notAllowed(response, 'GET')
        return this.#stream(request, response)
      case QUESTION_PATH:
        if (request.method !== 'POST') return notAllowed(response, 'POST')
        void this.#question(request, response)
        return
      default:
        respond(
          response,
          404,
          'There is nothing here. Members of a Quorate cluster talk to each other under this path.',
        )
    }
  }

  #stream(request: IncomingMessage, response: ServerResponse): void {
    if (hasBody(request)) throw new StoreError('MALFORMED', 'The request for a stream has a body.')
    const hello = readHello(request.headers)
    if (hello === undefined) throw new StoreError('MALFORMED', 'Only members of a cluster can ask for a stream.')
    const answer = this.#events.answer(hello, request.socket)
    if (answer === undefined)
      return respond(response, 503, 'The member that listens here has not started, or is closed.')
    if (answer.type === 'accepted') {
      this.#streaming.add(request.socket)
      return this.#events.onStream(hello, answer, response)
    }
    const claim = `member ${hello.from} of cluster ${hello.clusterId}, looking for member ${hello.to}`
    respond(response, REFUSAL_STATUS[answer.code], `${answer.code}: the caller said it is ${claim}.`, {
      [ANSWER_HEADER]: answerHeader(answer),
    })
    this.#events.onRefused(answer.code, `The caller said it is ${claim}.`, remoteOf(request), hello.from)
  }

  async #question(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const question = await readBody(request, LIMITS.questionBytesMax)
      const answer = await this.#events.onQuestion(question)
      if (typeof answer !== 'string') return respond(response, 200, answer)
      respond(response, NO_ANSWER_STATUS[answer], `No answer: ${NO_ANSWER[answer]}.`, { [NO_ANSWER_HEADER]: answer })
    } catch (error) {
      this.#refuse(request, response, error as Error)
    }
  }

  /** Whoever comes from elsewhere has to show who it is, unless we were told that nobody can. */
  #checkProven(socket: Socket): void {
    if (this.#options.insecure) return
    const { encrypted, authorized } = socket as Partial<TLSSocket>
    if (encrypted === true && authorized !== true) {
      throw new StoreError('CERTIFICATE_REFUSED', 'The caller has no certificate of an authority that is known here.')
    }
    if (encrypted === true || isLoopback(socket.localAddress ?? '')) return
    throw new StoreError('TLS_REQUIRED', `A call to ${socket.localAddress ?? 'a closed socket'} came without TLS.`)
  }

  #refuse(request: IncomingMessage, response: ServerResponse, error: Error): void {
    if (!isStoreError(error)) return void response.destroy()
    respond(response, STATUS[error.code] ?? 400, `${error.code}: ${error.message}`)
    this.#events.onRefused(error.code, error.message, remoteOf(request))
  }
}

const STATUS: Partial<Record<ErrorCode, number>> = {
  CERTIFICATE_REFUSED: 403,
  TLS_REQUIRED: 403,
  FRAME_TOO_LARGE: 413,
}

const NO_ANSWER_STATUS: Readonly<Record<NoAnswer, number>> = { untaken: 404, busy: 503, failed: 500 }

function notAllowed(response: ServerResponse, allowed: string): void {
  respond(response, 405, `Only ${allowed} makes sense here.`, { Allow: allowed })
}

function remoteOf({ socket }: IncomingMessage): string {
  return `${socket.remoteAddress ?? 'unknown'}:${socket.remotePort ?? 0}`
}

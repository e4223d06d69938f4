/**
 * What comes in over HTTP, whoever's server it came to: streams for peers, questions for anybody, a word for all others.
 *
 * Always: nothing that comes from outside throws past this file, and none of it is kept before it is known to be wanted.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Cancel, Timers } from '../base/clock.js'
import { isStoreError, StoreError } from '../base/errors.js'
import type { ErrorCode } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { isLoopback } from './address.js'
import { answerHello } from './handshake.js'
import type { Answer, Hello, Refusal, Speaker } from './handshake.js'
import { readBody } from './http-body.js'
import {
  ANSWER_HEADER,
  answerHeader,
  HTTP_VERSIONS,
  NO_ANSWER_HEADER,
  readHello,
  REFUSAL_STATUS,
} from './http-handshake.js'
import { QUESTION_PATH, STREAM_PATH } from './http-paths.js'
import { hasBody, respond } from './http-response.js'
import { NO_ANSWER } from './question.js'
import type { NoAnswer } from './question.js'
import { remoteOf } from './remote-of.js'
import type { Judgement } from './tcp-inbound.js'
import type { TlsIdentity } from './tls-identity.js'
import { isSecured } from './tls-stranger.js'
import type { PeerId } from './transport.js'

/** Whom the face asks, and tells. */
export interface FaceEvents {
  /** Undefined when nobody is there yet, or any more. */
  self(): Speaker | undefined
  /** What speaks against a peer that said hello so. */
  judge(hello: Hello, socket: Socket): Judgement | undefined
  /** The answer accepted: the stream is opened. */
  onStream(hello: Hello, answer: Answer & { type: 'accepted' }, response: ServerResponse): void
  /** Never rejects. */
  onQuestion(question: Uint8Array): Promise<Uint8Array | NoAnswer>
  onRefused(code: ErrorCode, reason: string, remote: string, peer?: PeerId): void
}

export interface FaceOptions {
  readonly path: string
  readonly insecure: boolean
  readonly tls: TlsIdentity | undefined
  readonly timers: Timers
  /** How long a question may take, from its head until its answer was taken. */
  readonly handshakeMsMax: number
}

export class HttpFace {
  readonly #options: FaceOptions
  readonly #events: FaceEvents
  /** Connections that are a stream now: nothing else is to come on them. */
  readonly #streaming = new WeakSet<Socket>()
  /** What ends the questions under way. */
  readonly #asking = new Set<Cancel>()

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

  /** Ends the questions under way: on a server of somebody else they would stay. */
  close(): void {
    for (const end of this.#asking) end()
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
    // Questions come by a path of their own.
    if (hello.purpose === 'question') throw new StoreError('MALFORMED', 'The request for a stream is a question.')
    const refusal = this.#answer(hello, request, response, (code) => code !== 'DUPLICATE_MEMBER')
    if (refusal === undefined) return
    // A process that died and started again may call before its end was noticed here: what has arrived is looked at first.
    this.#options.timers.soon(() => this.#answer(hello, request, response, () => true))
  }

  /** Answers, unless it is a refusal that is not `final`: then returns it. */
  #answer(
    hello: Hello,
    request: IncomingMessage,
    response: ServerResponse,
    final: (code: Refusal) => boolean,
  ): Refusal | undefined {
    const self = this.#events.self()
    if (self === undefined) {
      respond(response, 503, 'The member that listens here has not started, or is closed.')
      return undefined
    }
    let why: string | undefined
    const answer = answerHello(hello, self, () => {
      const judgement = this.#events.judge(hello, request.socket)
      why = judgement?.why
      return judgement?.code
    })
    if (answer.type === 'accepted') {
      this.#streaming.add(request.socket)
      this.#events.onStream(hello, answer, response)
      return undefined
    }
    if (!final(answer.code)) return answer.code
    const claim = `member ${hello.from} of cluster ${hello.clusterId}, looking for member ${hello.to}`
    const reason = `The caller said it is ${claim}${why === undefined ? '' : `; ${why}`}.`
    respond(response, REFUSAL_STATUS[answer.code], `${answer.code}: ${reason}`, {
      [ANSWER_HEADER]: answerHeader(answer),
    })
    this.#events.onRefused(answer.code, reason, remoteOf(request.socket), hello.from)
    return undefined
  }

  async #question(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.#limit(request, response)
    try {
      const question = await readBody(request, LIMITS.questionBytesMax)
      const answer = await this.#events.onQuestion(question)
      if (typeof answer !== 'string') return respond(response, 200, answer)
      respond(response, NO_ANSWER_STATUS[answer], `No answer: ${NO_ANSWER[answer]}.`, { [NO_ANSWER_HEADER]: answer })
    } catch (error) {
      this.#refuse(request, response, error as Error)
    }
  }

  /** Whoever's server it came to: that one may wait for minutes, and for a body only. */
  #limit(request: IncomingMessage, response: ServerResponse): void {
    const { timers, handshakeMsMax } = this.#options
    const { socket } = request
    const remote = remoteOf(request.socket)
    const cancel = timers.after(handshakeMsMax, () => {
      if (socket.destroyed) return
      socket.destroy()
      this.#events.onRefused('TIMEOUT', `No question was over within ${handshakeMsMax} ms.`, remote)
    })
    const end = (): void => {
      cancel()
      socket.destroy()
    }
    this.#asking.add(end)
    response.on('close', () => {
      cancel()
      this.#asking.delete(end)
    })
  }

  /** Whoever comes from elsewhere has to show who it is, unless we were told that it need not. */
  #checkProven(socket: Socket): void {
    const { tls, insecure } = this.#options
    if (tls !== undefined && isSecured(socket)) {
      const why = tls.callerRefusal(socket)
      if (why !== undefined) throw new StoreError('CERTIFICATE_REFUSED', `Of the caller, ${why}.`)
    } else if (!insecure && !isLoopback(socket.localAddress ?? '')) {
      const where = socket.localAddress ?? 'a socket that is closed'
      throw new StoreError(
        'TLS_REQUIRED',
        `A call to ${where} came without TLS, or the transport was given no \`tls\`.`,
      )
    }
  }

  #refuse(request: IncomingMessage, response: ServerResponse, error: Error): void {
    if (!isStoreError(error)) return void response.destroy()
    const refused = { type: 'refused', code: 'CERTIFICATE_REFUSED', versions: HTTP_VERSIONS } as const
    const headers = error.code === refused.code ? { [ANSWER_HEADER]: answerHeader(refused) } : {}
    respond(response, STATUS[error.code] ?? 400, `${error.code}: ${error.message}`, headers)
    this.#events.onRefused(error.code, error.message, remoteOf(request.socket))
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

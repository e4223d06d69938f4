/**
 * A stream that we asked a peer for, from the request to its end: its frames come in the body of a response that has no
 * end.
 *
 * Always: it ends once, and says why; after `close` nothing is reported any more, and no timer is left.
 * Always: no frame is believed before the answer in the head of the response was accepted.
 */
import type { ClientRequest, IncomingMessage } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { Cancel } from '../base/clock.js'
import { StoreError } from '../base/errors.js'
import { FrameParser } from './frame.js'
import { readAnswer, readLife } from './http-handshake.js'
import type { HttpContext } from './http-options.js'
import type { Answer } from './handshake.js'
import { SilenceWatch } from './silence-watch.js'
import type { Frame } from './transport.js'

export interface HttpStreamEvents {
  /** The head came, from the process of this life. Throws unless the answer accepts. */
  onAnswer(answer: Answer, life: number | undefined): void
  onFrame(frame: Frame): void
  onEnd(reason: Error): void
}

export class HttpStream {
  readonly #context: HttpContext
  readonly #request: ClientRequest
  readonly #events: HttpStreamEvents
  readonly #parser: FrameParser
  readonly #silence: SilenceWatch
  #deadline: Cancel | undefined
  #ended = false

  constructor(request: ClientRequest, context: HttpContext, events: HttpStreamEvents) {
    const { environment, limits } = context
    this.#context = context
    this.#request = request
    this.#events = events
    this.#parser = new FrameParser(limits.frameBytesMax, {
      onFrame: (frame) => events.onFrame(frame),
      onKeepalive: () => undefined,
    })
    this.#silence = new SilenceWatch(environment, (reason) => this.#end(reason))
    const { handshakeMsMax } = limits
    this.#deadline = environment.timers.after(handshakeMsMax, () =>
      this.#end(new StoreError('TIMEOUT', `No answer within ${handshakeMsMax} ms.`)),
    )
    request.on('response', (response) => this.#receiveHead(response))
    request.on('error', (error) => this.#end(error))
    request.on('close', () => this.#end(new Error('The connection was closed.')))
    request.end()
  }

  /** How long nothing has come. */
  get silentMs(): number {
    return this.#silence.silentMs
  }

  close(): void {
    if (this.#ended) return
    this.#ended = true
    this.#deadline?.()
    this.#silence.stop()
    this.#parser.stop()
    this.#request.destroy()
  }

  #receiveHead(response: IncomingMessage): void {
    const { peerKeepaliveMs, peerKeepalivesUnansweredMax } = this.#context.limits
    if (this.#ended) return
    this.#deadline?.()
    try {
      const refusal = this.#context.client.refusal(response)
      if (refusal !== undefined) throw new StoreError('CERTIFICATE_REFUSED', `Of the member, ${refusal}.`)
      const answer = readAnswer(response.headers)
      if (answer === undefined || (answer.type === 'accepted' && response.statusCode !== 200)) throw notOurs(response)
      const encoding = response.headers['content-encoding'] ?? 'identity'
      if (encoding !== 'identity') throw new Error(`Something on the way encodes the stream as ${encoding}.`)
      this.#events.onAnswer(answer, readLife(response.headers))
    } catch (error) {
      return this.#end(error as Error)
    }
    response.on('data', (chunk: Buffer) => this.#receive(chunk))
    response.on('end', () => this.#end(new Error('The other side ended the stream.')))
    response.on('error', (error) => this.#end(error))
    this.#silence.heard()
    this.#silence.watch(peerKeepaliveMs * peerKeepalivesUnansweredMax)
  }

  #receive(chunk: Buffer): void {
    if (this.#ended) return
    this.#silence.heard()
    try {
      this.#parser.push(chunk)
    } catch (error) {
      this.#end(error as Error)
    }
  }

  #end(reason: Error): void {
    if (this.#ended) return
    this.close()
    this.#events.onEnd(reason)
  }
}

/** What stands at the address answers HTTP, and is no member. */
function notOurs({ statusCode = 0 }: IncomingMessage): Error {
  return new Error(
    `HTTP ${statusCode} (${STATUS_CODES[statusCode] ?? 'unknown'}) without a word of a member: the path is another one, ` +
      `or a proxy or another server answered.`,
  )
}

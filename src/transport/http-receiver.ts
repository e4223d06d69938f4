/**
 * Asks one peer for its frames of one channel, and asks again when the stream is gone.
 *
 *     resting ──► asking ──► standing
 *        ▲          │           │
 *        └──────────┴───────────┘      after 50 ms … 2 s, longer with each failure, with jitter
 */
import type { ClientRequest } from 'node:http'
import type { Cancel } from '../base/clock.js'
import { isStoreError } from '../base/errors.js'
import { Backoff } from './backoff.js'
import { describeFailure } from './describe-failure.js'
import { checkAnswer, helloTo } from './handshake.js'
import type { Hello } from './handshake.js'
import { isPlain } from './http-address.js'
import { HELLO_HEADER, helloHeader } from './http-handshake.js'
import type { HttpContext } from './http-options.js'
import { STREAM_PATH } from './http-paths.js'
import { HttpStream } from './http-stream.js'
import type { Channel, Peer } from './transport.js'

export interface HttpReceiverEvents {
  /** `life` is that of the process that answered. */
  onStanding(life: number | undefined): void
  /** It could not be had, or is gone; `silent` when it stood, and nothing came by it any more. */
  onFell(reason: Error, silent: boolean): void
}

export class HttpReceiver {
  readonly #peer: Peer
  readonly #channel: Channel
  readonly #context: HttpContext
  readonly #events: HttpReceiverEvents
  readonly #backoff: Backoff
  #stream: HttpStream | undefined
  #standingSinceMs: number | undefined
  #retry: Cancel | undefined
  #reasonLogged: string | undefined
  #closed = false

  constructor(peer: Peer, channel: Channel, context: HttpContext, events: HttpReceiverEvents) {
    this.#peer = peer
    this.#channel = channel
    this.#context = context
    this.#events = events
    this.#backoff = new Backoff(context.limits, context.environment.random)
    this.#retry = context.environment.timers.soon(() => this.#dial())
  }

  /** Whether the stream stands and something came by it within so long. */
  heardWithin(withinMs: number): boolean {
    return this.#standingSinceMs !== undefined && (this.#stream?.silentMs ?? Infinity) <= withinMs
  }

  /** The peer has just called us, so it is there: no need to wait longer. */
  hint(): void {
    if (this.#closed || this.#stream !== undefined) return
    this.#retry?.()
    this.#retry = this.#context.environment.timers.soon(() => this.#dial())
  }

  /** For good, without a report. */
  close(): void {
    this.#closed = true
    this.#retry?.()
    this.#stream?.close()
  }

  #dial(): void {
    this.#retry = undefined
    if (this.#closed || this.#stream !== undefined) return
    const { counters, handler, self } = this.#context
    const hello = helloTo(this.#peer.id, this.#channel, self)
    let request
    try {
      request = this.#request(hello)
    } catch (error) {
      // Asked again like any other: the address came from outside, and the next one replaces this receiver.
      return this.#fell(error as Error)
    }
    this.#stream = new HttpStream(request, this.#context, {
      onAnswer: (answer, life) => {
        checkAnswer(answer, hello)
        this.#stand(life)
      },
      onFrame: (frame) => {
        counters.framesReceived++
        handler.onFrame(this.#peer.id, frame)
      },
      onEnd: (reason) => this.#fell(reason),
    })
  }

  #request(hello: Hello): ClientRequest {
    const { from, to } = hello
    // The query is for who reads the logs of what lies in between; only the header counts.
    const path = `${STREAM_PATH}?from=${from}&to=${to}&channel=${this.#channel}`
    const headers = { [HELLO_HEADER]: helloHeader(hello) }
    return this.#context.client.call(this.#peer.address, { method: 'GET', path, headers })
  }

  #stand(life: number | undefined): void {
    const { clock, logger } = this.#context.environment
    this.#standingSinceMs = clock.monotonicMs()
    this.#reasonLogged = undefined
    logger.info('receiving from a peer', { peer: this.#peer.id, address: this.#peer.address, channel: this.#channel })
    this.#events.onStanding(life)
  }

  #fell(reason: Error): void {
    const { clock, logger, timers } = this.#context.environment
    const stoodMs = this.#standingSinceMs === undefined ? undefined : clock.monotonicMs() - this.#standingSinceMs
    this.#stream = undefined
    this.#standingSinceMs = undefined
    const description = describeFailure(reason, isPlain(this.#peer.address))
    if (this.#reasonLogged !== description) {
      this.#reasonLogged = description
      const fields = { peer: this.#peer.id, address: this.#peer.address, channel: this.#channel, reason: description }
      logger.warn('a peer cannot be reached', fields)
    }
    this.#retry = timers.after(this.#backoff.nextMs(stoodMs ?? 0), () => this.#dial())
    this.#events.onFell(reason, stoodMs !== undefined && isStoreError(reason, 'TIMEOUT'))
  }
}

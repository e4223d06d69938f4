/**
 * One connection that somebody else dialled: hello, answer, then frames from there to here; or one question and its answer.
 *
 *     hello ──► deciding ──┬──► frames
 *                          └──► question ──► answering
 *
 * Always: no frame is believed before the hello was accepted, and none afterwards from anyone but the peer it named.
 * Always: whatever is wrong with what comes closes this connection and nothing else.
 * Always: whoever asks has one deadline for all of it, from the first byte of the connection to the last of the answer.
 */
import type { Socket } from 'node:net'
import type { Cancel } from '../base/clock.js'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { encodeFrame, encodeKeepalive, FrameParser } from './frame.js'
import { answerHello, encodeAnswer, HandshakeReader } from './handshake.js'
import type { Answer, Hello, Refusal } from './handshake.js'
import { ANSWER_KIND } from './question.js'
import type { NoAnswer } from './question.js'
import { TcpConnection } from './tcp-connection.js'
import type { TcpContext } from './tcp-options.js'
import type { TlsCaller } from './tls-identity.js'
import type { Channel, PeerId } from './transport.js'

const KEEPALIVE = encodeKeepalive()

/** What the transport answers for and is told. */
export interface InboundEvents {
  /** What speaks against a caller that looks for this member of this cluster. */
  judge(hello: Hello, tlsCaller: TlsCaller | undefined): Judgement | undefined
  /** Never rejects. */
  answer(question: Uint8Array): Promise<Uint8Array | NoAnswer>
  /** The hello was accepted: from now on `connection.peer` is known. */
  onAccepted(connection: TcpInbound, peer: InboundPeer): void
  /** The connection is gone by itself; `refused` when it was closed for something the other side did. */
  onEnded(connection: TcpInbound, reason: Error, refused: boolean): void
}

/** What speaks against a caller, and the details for our own log. */
export interface Judgement {
  readonly code: Refusal
  readonly why?: string
}

/** Who is there, and what the connection is for. */
export interface InboundPeer {
  readonly from: PeerId
  readonly channel: Channel
  /** Undefined: of a version that does not tell. */
  readonly life: number | undefined
}

type Stage =
  | { readonly type: 'hello'; readonly reader: HandshakeReader<Hello> }
  | { readonly type: 'frames' | 'question'; readonly parser: FrameParser }
  /** It is not its turn to speak. */
  | { readonly type: 'deciding' | 'answering' }
  /** What it says is not heard. */
  | { readonly type: 'refusing' }

export class TcpInbound {
  readonly #connection: TcpConnection
  readonly #context: TcpContext
  readonly #events: InboundEvents
  readonly #tlsCaller: TlsCaller | undefined
  #stage: Stage = { type: 'hello', reader: HandshakeReader.ofHello() }
  #peer: InboundPeer | undefined
  #deciding: Cancel | undefined
  #keepaliveDue = false

  /** `tlsCaller` is known where the connection is encrypted. */
  constructor(socket: Socket, tlsCaller: TlsCaller | undefined, context: TcpContext, events: InboundEvents) {
    const { environment, limits } = context
    this.#context = context
    this.#events = events
    this.#tlsCaller = tlsCaller
    this.#connection = new TcpConnection(socket, {
      clock: environment.clock,
      timers: environment.timers,
      onBytes: (chunk) => this.#receive(chunk),
      onEnd: (reason) => {
        this.#stop()
        events.onEnded(this, reason, reason instanceof StoreError)
      },
    })
    const { handshakeMsMax } = limits
    this.#connection.deadline(handshakeMsMax, () => new StoreError('TIMEOUT', this.#tooLate(handshakeMsMax)))
    const why = tlsCaller === undefined ? undefined : context.tls?.callerRefusal(tlsCaller)
    if (why !== undefined) this.#refuseUnheard(why)
  }

  /** Undefined until the hello of a peer was accepted. */
  get peer(): InboundPeer | undefined {
    return this.#peer
  }

  get remote(): string {
    return this.#connection.remote
  }

  /** Since the last byte came. */
  get silentMs(): number {
    return this.#connection.silentMs
  }

  /** Without a report. */
  close(): void {
    this.#stop()
    this.#connection.close()
  }

  #stop(): void {
    this.#deciding?.()
    if ('parser' in this.#stage) this.#stage.parser.stop()
  }

  #receive(chunk: Uint8Array): void {
    const stage = this.#stage
    try {
      switch (stage.type) {
        case 'hello': {
          const hello = stage.reader.push(chunk)
          if (hello !== undefined) this.#decide(hello)
          return
        }
        case 'frames':
          stage.parser.push(chunk)
          this.#echo()
          return
        case 'question':
          stage.parser.push(chunk)
          return
        case 'refusing':
          return
        case 'deciding':
        case 'answering':
          throw new StoreError('MALFORMED', 'The caller spoke when it was to listen.')
      }
    } catch (error) {
      this.#connection.fail(error as Error)
    }
  }

  #decide(hello: Hello): void {
    const refusal = this.#answer(hello, (code) => code !== 'DUPLICATE_MEMBER')
    if (refusal === undefined) return
    // A process that died and started again may call before its end was noticed here: what has arrived is looked at first.
    this.#stage = { type: 'deciding' }
    this.#deciding = this.#context.environment.timers.soon(() => {
      this.#answer(hello, () => true)
    })
  }

  /** Answers, unless it is a refusal that is not `final`: then returns it. */
  #answer(hello: Hello, final: (code: Refusal) => boolean): Refusal | undefined {
    let why: string | undefined
    const answer = answerHello(hello, this.#context.self, () => {
      const judgement = this.#events.judge(hello, this.#tlsCaller)
      why = judgement?.why
      return judgement?.code
    })
    if (answer.type === 'accepted') {
      this.#connection.write([encodeAnswer(answer)])
      this.#accept(hello)
      return undefined
    }
    if (!final(answer.code)) return answer.code
    const claim = `member ${hello.from} of cluster ${hello.clusterId}, looking for member ${hello.to}`
    this.#refuse(answer, `The caller said it is ${claim}${why === undefined ? '' : `; ${why}`}.`)
    return undefined
  }

  #refuse(answer: Answer & { type: 'refused' }, reason: string): void {
    this.#stop()
    this.#connection.closeAfter(encodeAnswer(answer))
    this.#events.onEnded(this, new StoreError(answer.code, reason), true)
  }

  /** Whoever showed a certificate that does not count is told so, whatever it may want to say. */
  #refuseUnheard(why: string): void {
    this.#stage = { type: 'refusing' }
    // In a turn of its own: whoever makes this connection does not have it yet.
    this.#deciding = this.#context.environment.timers.soon(() => {
      const { versions } = this.#context.self
      this.#refuse({ type: 'refused', code: 'CERTIFICATE_REFUSED', versions }, `Of the caller, ${why}.`)
    })
  }

  #accept({ purpose, from, life }: Hello): void {
    const { limits, counters, handler } = this.#context
    if (purpose === 'main' || purpose === 'bulk') {
      this.#stage = {
        type: 'frames',
        parser: new FrameParser(limits.frameBytesMax, {
          onFrame: (frame) => {
            counters.framesReceived++
            handler.onFrame(from, frame)
          },
          onKeepalive: () => {
            this.#keepaliveDue = true
          },
        }),
      }
      this.#connection.settle()
      this.#connection.watchSilence(limits.peerIdleMsMax)
      this.#peer = { from, channel: purpose, life }
      this.#events.onAccepted(this, this.#peer)
      return
    }
    this.#stage = {
      type: 'question',
      parser: new FrameParser(LIMITS.questionBytesMax, {
        onFrame: ({ bytes }) => {
          this.#stop()
          this.#stage = { type: 'answering' }
          void this.#answerQuestion(bytes)
        },
        onKeepalive: () => {
          throw new StoreError('MALFORMED', 'A keepalive came where a question belongs.')
        },
      }),
    }
  }

  async #answerQuestion(question: Uint8Array): Promise<void> {
    const answer = await this.#events.answer(question)
    const [kind, bytes] = typeof answer === 'string' ? [answer, new Uint8Array(0)] : (['answer', answer] as const)
    this.#connection.finish(encodeFrame({ kind: ANSWER_KIND[kind], bytes }))
  }

  /**
   * One answer to all keepalives of a chunk, and none while earlier answers wait: a caller that sends many, or never
   * reads, must not have us write or gather as many.
   */
  #echo(): void {
    if (!this.#keepaliveDue) return
    this.#keepaliveDue = false
    if (!this.#connection.ended && this.#connection.unsentBytes === 0) this.#connection.write([KEEPALIVE])
  }

  #tooLate(handshakeMsMax: number): string {
    switch (this.#stage.type) {
      case 'answering':
        return `The answer to a question was not taken within ${handshakeMsMax} ms of the call.`
      case 'question':
        return `No question within ${handshakeMsMax} ms.`
      case 'hello':
      case 'deciding':
      case 'refusing':
      case 'frames':
        return `No hello within ${handshakeMsMax} ms.`
    }
  }
}

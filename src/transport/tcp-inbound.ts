/**
 * One connection that somebody else dialled: hello, answer, then frames from there to here.
 *
 * Always: no frame is believed before the hello was accepted, and none afterwards from anyone but the peer it named.
 * Always: whatever is wrong with what comes closes this connection and nothing else.
 */
import type { Socket } from 'node:net'
import { StoreError } from '../base/errors.js'
import { encodeKeepalive, FrameParser } from './frame.js'
import { answerHello, encodeAnswer, HandshakeReader } from './handshake.js'
import type { Hello } from './handshake.js'
import { TcpConnection } from './tcp-connection.js'
import type { TcpContext } from './tcp-options.js'
import type { PeerId } from './transport.js'

const KEEPALIVE = encodeKeepalive()

/** What the transport answers for and is told. */
export interface InboundEvents {
  isPeer(id: PeerId): boolean
  /** The hello was accepted: from now on `connection.from` is known. */
  onAccepted(connection: TcpInbound): void
  /** The connection is gone by itself; `refused` when it was closed for something the other side did. */
  onEnded(connection: TcpInbound, reason: Error, refused: boolean): void
}

export class TcpInbound {
  readonly #connection: TcpConnection
  readonly #context: TcpContext
  readonly #events: InboundEvents
  readonly #parser: FrameParser
  #hello: HandshakeReader<Hello> | undefined = HandshakeReader.ofHello()
  #from: PeerId | undefined
  #keepaliveDue = false

  constructor(socket: Socket, context: TcpContext, events: InboundEvents) {
    const { environment, limits, handler, counters } = context
    this.#context = context
    this.#events = events
    this.#connection = new TcpConnection(socket, {
      clock: environment.clock,
      timers: environment.timers,
      onBytes: (chunk) => this.#receive(chunk),
      onEnd: (reason) => {
        this.#parser.stop()
        events.onEnded(this, reason, reason instanceof StoreError)
      },
    })
    this.#parser = new FrameParser(limits.frameBytesMax, {
      onFrame: (frame) => {
        counters.framesReceived++
        handler.onFrame(this.#from as PeerId, frame)
      },
      onKeepalive: () => {
        this.#keepaliveDue = true
      },
    })
    const { handshakeMsMax } = limits
    this.#connection.deadline(handshakeMsMax, () => new StoreError('TIMEOUT', `No hello within ${handshakeMsMax} ms.`))
  }

  /** Who is there; undefined until the hello was accepted. */
  get from(): PeerId | undefined {
    return this.#from
  }

  get remote(): string {
    return this.#connection.remote
  }

  /** Without a report. */
  close(): void {
    this.#parser.stop()
    this.#connection.close()
  }

  #receive(chunk: Uint8Array): void {
    try {
      if (this.#hello === undefined) {
        this.#parser.push(chunk)
        this.#echo()
        return
      }
      const hello = this.#hello.push(chunk)
      if (hello !== undefined) this.#answer(hello)
    } catch (error) {
      this.#connection.fail(error as Error)
    }
  }

  #answer(hello: Hello): void {
    this.#hello = undefined
    const answer = answerHello(hello, this.#context.identity, (id) => this.#events.isPeer(id))
    if (answer.type === 'refused') {
      this.#parser.stop()
      this.#connection.closeAfter(encodeAnswer(answer))
      const claim = `member ${hello.from} of cluster ${hello.clusterId}, looking for member ${hello.to}`
      this.#events.onEnded(this, new StoreError(answer.code, `The caller said it is ${claim}.`), true)
      return
    }
    this.#from = hello.from
    this.#connection.settle()
    this.#connection.watchSilence(this.#context.limits.peerIdleMsMax)
    this.#connection.write([encodeAnswer(answer)])
    this.#events.onAccepted(this)
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
}

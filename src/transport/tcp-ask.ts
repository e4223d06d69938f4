/** Asks whoever listens at an address one question, on a connection of its own (docs/WIRE-PROTOCOL.md). */
import type { Environment } from '../base/clock.js'
import type { StoreError } from '../base/errors.js'
import { isStoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { HostPort } from './address.js'
import { describeFailure } from './describe-failure.js'
import { encodeFrame, FrameParser } from './frame.js'
import { checkAnswer, encodeHello, HandshakeReader, questionHello } from './handshake.js'
import type { Answer, VersionRange } from './handshake.js'
import { ANSWER_KIND, NO_ANSWER, unanswered, unansweredInTime } from './question.js'
import type { NoAnswer } from './question.js'
import { TcpConnection } from './tcp-connection.js'
import { dial } from './tcp-dial.js'
import type { TlsIdentity } from './tls-identity.js'
import type { Frame } from './transport.js'

export interface AskOptions {
  readonly environment: Pick<Environment, 'clock' | 'timers'>
  readonly versions: VersionRange
  readonly address: HostPort
  readonly tls: TlsIdentity | undefined
  /** As it was given, for messages. */
  readonly name: string
  readonly question: Uint8Array
  readonly timeoutMs: number
  readonly onAnswer: (answer: Uint8Array) => void
  /** `UNREACHABLE` or `TIMEOUT`. */
  readonly onFailed: (error: StoreError) => void
}

/** Calls back once, unless it is closed before. */
export class TcpAsk {
  readonly #options: AskOptions
  readonly #connection: TcpConnection
  #handshake: HandshakeReader<Answer> | undefined = HandshakeReader.ofAnswer()
  readonly #parser: FrameParser

  constructor(options: AskOptions) {
    const { environment, versions, address, tls, name, timeoutMs } = options
    this.#options = options
    const dialling = dial(address, tls)
    this.#connection = new TcpConnection(dialling.socket, {
      ...{ clock: environment.clock, timers: environment.timers },
      onBytes: (chunk) => this.#receive(chunk),
      onEnd: (reason) => options.onFailed(this.#failure(reason)),
    })
    this.#parser = new FrameParser(LIMITS.answerBytesMax, {
      onFrame: (frame) => this.#answered(frame),
      onKeepalive: () => undefined,
    })
    this.#connection.deadline(timeoutMs, () => unansweredInTime(name, timeoutMs))
    dialling.onReady(() => this.#connection.write([encodeHello(questionHello(versions))]))
  }

  close(): void {
    this.#parser.stop()
    this.#connection.close()
  }

  #receive(chunk: Uint8Array): void {
    const { versions, question } = this.#options
    try {
      if (this.#handshake === undefined) return this.#parser.push(chunk)
      const answer = this.#handshake.push(chunk)
      if (answer === undefined) return
      checkAnswer(answer, questionHello(versions))
    } catch (error) {
      return this.#connection.fail(error as Error)
    }
    this.#handshake = undefined
    this.#connection.write([encodeFrame({ kind: 0, bytes: question })])
  }

  #answered({ kind, bytes }: Frame): void {
    this.close()
    if (kind === ANSWER_KIND.answer) return this.#options.onAnswer(bytes)
    const why = (Object.keys(NO_ANSWER) as NoAnswer[]).find((each) => ANSWER_KIND[each] === kind)
    this.#options.onFailed(unanswered(this.#options.name, NO_ANSWER[why ?? 'failed']))
  }

  #failure(reason: Error): StoreError {
    if (isStoreError(reason, 'TIMEOUT')) return reason
    return unanswered(this.#options.name, describeFailure(reason).replace(/\.$/, ''))
  }
}

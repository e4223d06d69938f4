/**
 * The way to one peer on one channel: dials, says hello, sends frames, and dials again when the connection is gone.
 *
 *     resting ──► dialling ──► standing
 *        ▲           │            │
 *        └───────────┴────────────┘      after 50 ms … 2 s, longer with each failure, with jitter
 *
 * Always: frames are taken only while the connection stands. What was queued when it fell is dropped and counted: later it
 * would be stale, and the protocol above sends again what still matters.
 * Always: each reason is logged once until it changes.
 *
 * A peer that dies without a word (power, cable, firewall) is noticed by keepalives that stay unanswered: the kernel would
 * go on repeating unacknowledged bytes for a quarter of an hour. They are counted rather than timed, so that a pause of
 * our own process does not look like a silence of the peer. While bytes wait to leave and do leave, none is sent: the peer
 * reads. One that answers and does not read is given up too (stall-watch.ts).
 */
import type { Cancel } from '../base/clock.js'
import { StoreError } from '../base/errors.js'
import { parseAddress } from './address.js'
import { Backoff } from './backoff.js'
import { describeFailure } from './describe-failure.js'
import { FrameWriter } from './frame-writer.js'
import { encodeKeepalive, FrameParser } from './frame.js'
import { checkAnswer, encodeHello, HandshakeReader, helloTo } from './handshake.js'
import type { Answer, Hello } from './handshake.js'
import { StallWatch } from './stall-watch.js'
import { TcpConnection } from './tcp-connection.js'
import { dial } from './tcp-dial.js'
import type { TcpContext } from './tcp-options.js'
import type { Channel, Frame, Peer } from './transport.js'

const KEEPALIVE = encodeKeepalive()

/** What the link reports. */
export interface LinkEvents {
  onStanding(version: number): void
  /** The connection is gone, or there never was one; it will be dialled again. */
  onFallen(reason: Error): void
  /** It answered what we said so many milliseconds before. */
  onRoundTrip(durationMs: number): void
}

/** One connection of a link, from dialling to its end. */
interface Dialled {
  readonly connection: TcpConnection
  readonly hello: Hello
  /** The hello was sent. */
  called: boolean
  /** Gone once the answer was accepted. */
  answer: HandshakeReader<Answer> | undefined
  readonly parser: FrameParser
  readonly stall: StallWatch
  /** When what is not answered yet was said: hello, then one keepalive at a time. */
  saidMs: number | undefined
}

export class TcpLink {
  readonly #peer: Peer
  readonly #channel: Channel
  readonly #context: TcpContext
  readonly #events: LinkEvents
  readonly #backoff: Backoff
  #dialled: Dialled | undefined
  #standingSinceMs: number | undefined
  #keepalivesUnanswered = 0
  #reasonLogged: string | undefined
  #closed = false
  #retry: Cancel | undefined
  #keepalive: Cancel | undefined
  /** While the connection stands. */
  #writer: FrameWriter | undefined

  /** Rests until {@link dial}. */
  constructor(peer: Peer, channel: Channel, context: TcpContext, events: LinkEvents) {
    this.#peer = peer
    this.#channel = channel
    this.#context = context
    this.#events = events
    this.#backoff = new Backoff(context.limits, context.environment.random)
  }

  send(frame: Frame): boolean {
    if (this.#writer !== undefined) return this.#writer.send(frame)
    this.#context.counters.framesDropped++
    return false
  }

  /** The peer has just called us, so it is there: no need to wait longer. */
  hint(): void {
    if (this.#closed || this.#dialled !== undefined) return
    this.#retry?.()
    this.#retry = this.#context.environment.timers.soon(() => this.dial())
  }

  /** For good, without a report. */
  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#retry?.()
    this.#hangUp()
  }

  /** Unless it does already. */
  dial(): void {
    if (this.#closed || this.#dialled !== undefined) return
    this.#retry?.()
    this.#retry = undefined
    const { environment, limits, self, tls } = this.#context
    const { clock, timers } = environment
    let dialling
    try {
      dialling = dial(parseAddress(this.#peer.address), tls)
    } catch (error) {
      // Dialled again like any other: the address came from outside, and the next one replaces this link.
      return this.#fell(error as Error)
    }
    const connection = new TcpConnection(dialling.socket, {
      clock,
      timers,
      onBytes: (chunk) => this.#receive(dialled, chunk),
      onDrain: () => this.#writer?.flush(),
      onEnd: (reason) => this.#fell(this.#explained(dialled, reason)),
    })
    const parser = new FrameParser(0, {
      onFrame: () => connection.fail(new StoreError('MALFORMED', 'It sent a frame where only keepalives belong.')),
      onKeepalive: () => this.#answered(dialled),
    })
    const hello = helloTo(this.#peer.id, this.#channel, self)
    const dialled: Dialled = {
      ...{ connection, hello, parser, called: false, saidMs: undefined },
      answer: HandshakeReader.ofAnswer(),
      stall: new StallWatch(),
    }
    this.#dialled = dialled
    const { handshakeMsMax } = limits
    connection.deadline(handshakeMsMax, () => new StoreError('TIMEOUT', `No answer within ${handshakeMsMax} ms.`))
    dialling.onReady(() => {
      dialled.called = true
      dialled.saidMs = clock.monotonicMs()
      connection.write([encodeHello(hello)])
    })
  }

  /** Whoever expects TLS, or does not, hangs up on what it does not understand, without a word. */
  #explained({ called, answer, connection }: Dialled, reason: Error): Error {
    const encrypted = this.#context.tls !== undefined
    const within = encrypted ? !called : called && answer !== undefined && !connection.heard
    if (!within || 'code' in reason) return reason
    const cause = encrypted
      ? 'within the TLS handshake: it may have been started without `tls`.'
      : 'without an answer: it may expect TLS.'
    return new Error(`${reason.message.replace(/\.$/, '')} ${cause}`, { cause: reason })
  }

  #receive(dialled: Dialled, chunk: Uint8Array): void {
    this.#keepalivesUnanswered = 0
    let version
    try {
      if (dialled.answer === undefined) return dialled.parser.push(chunk)
      const answer = dialled.answer.push(chunk)
      if (answer === undefined) return
      version = checkAnswer(answer, dialled.hello)
    } catch (error) {
      return dialled.connection.fail(error as Error)
    }
    dialled.answer = undefined
    dialled.connection.settle()
    this.#stand(dialled.connection, version)
    this.#answered(dialled)
  }

  #stand(connection: TcpConnection, version: number): void {
    const { environment, limits, counters } = this.#context
    const { clock, logger, timers } = environment
    this.#standingSinceMs = clock.monotonicMs()
    this.#writer = new FrameWriter(connection, { limits, timers, counters })
    this.#reasonLogged = undefined
    this.#scheduleKeepalive()
    const fields = { ...this.#logged, version }
    if (this.#channel === 'main') logger.info('connected to a peer', fields)
    else logger.debug('connected to a peer', fields)
    this.#events.onStanding(version)
  }

  #answered(dialled: Dialled): void {
    const { saidMs } = dialled
    dialled.saidMs = undefined
    if (saidMs !== undefined) this.#events.onRoundTrip(this.#context.environment.clock.monotonicMs() - saidMs)
  }

  #scheduleKeepalive(): void {
    const { environment, limits } = this.#context
    this.#keepalive = environment.timers.after(limits.peerKeepaliveMs, () => {
      if (this.#dialled === undefined) return
      const { connection, stall } = this.#dialled
      const failure = this.#look(connection, stall)
      if (failure !== undefined) return connection.fail(new StoreError('TIMEOUT', failure))
      this.#keepalivesUnanswered++
      if (connection.unsentBytes === 0) {
        this.#dialled.saidMs ??= environment.clock.monotonicMs()
        connection.write([KEEPALIVE])
      }
      this.#scheduleKeepalive()
    })
  }

  /** Once for each keepalive: what is wrong with the connection that stands. */
  #look({ unsentBytes, takenBytes }: TcpConnection, stall: StallWatch): string | undefined {
    const { peerKeepaliveMs, peerKeepalivesUnansweredMax, peerStallMsMax } = this.#context.limits
    const stalledMs = peerKeepaliveMs * stall.look(unsentBytes, takenBytes)
    if (stalledMs >= peerStallMsMax) return `It took none of ${unsentBytes} bytes that wait for it in ${stalledMs} ms.`
    // Bytes that leave tell as much as a keepalive that is answered.
    if (unsentBytes > 0 && stalledMs === 0) this.#keepalivesUnanswered = 0
    if (this.#keepalivesUnanswered < peerKeepalivesUnansweredMax) return undefined
    return `${this.#keepalivesUnanswered} keepalives unanswered, one each ${peerKeepaliveMs} ms.`
  }

  /** The connection is gone, or there never was one. */
  #fell(reason: Error): void {
    const { environment } = this.#context
    const stood = this.#standingSinceMs
    const stoodMs = stood === undefined ? 0 : environment.clock.monotonicMs() - stood
    this.#hangUp()
    // That bulk falls is nothing to tell where main falls with it; that it cannot be made is.
    if (this.#channel === 'main' || stood === undefined) this.#logFall(describeFailure(reason))
    this.#retry = environment.timers.after(this.#backoff.nextMs(stoodMs), () => this.dial())
    this.#events.onFallen(reason)
  }

  #logFall(reason: string): void {
    if (this.#reasonLogged === reason) return
    this.#reasonLogged = reason
    this.#context.environment.logger.warn('a peer cannot be reached', { ...this.#logged, reason })
  }

  get #logged(): { peer: number; address: string; channel?: 'bulk' } {
    const { id: peer, address } = this.#peer
    return this.#channel === 'main' ? { peer, address } : { peer, address, channel: this.#channel }
  }

  #hangUp(): void {
    this.#writer?.close()
    this.#writer = undefined
    this.#keepalive?.()
    this.#keepalive = undefined
    this.#dialled?.parser.stop()
    this.#dialled?.connection.close()
    this.#dialled = undefined
    this.#standingSinceMs = undefined
    this.#keepalivesUnanswered = 0
  }
}

/**
 * The way to one peer: dials, says hello, sends frames, and dials again when the connection is gone.
 *
 *     resting ──► dialling ──► standing
 *        ▲           │            │
 *        └───────────┴────────────┘      after 50 ms … 2 s, longer with each failure, with jitter
 *
 * Always: frames are taken only while the connection stands. What was queued when it fell is dropped and counted: later it
 * would be stale, and the protocol above sends again what still matters.
 * Always: `onReachable` and `onUnreachable` alternate, and each reason is logged once until it changes.
 *
 * A peer that dies without a word (power, cable, firewall) is noticed by keepalives that stay unanswered: the kernel would
 * go on repeating unacknowledged bytes for a quarter of an hour. They are counted rather than timed, so that a pause of
 * our own process does not look like a silence of the peer.
 */
import { connect } from 'node:net'
import type { Cancel } from '../base/clock.js'
import { StoreError } from '../base/errors.js'
import { parseAddress } from './address.js'
import { encodeKeepalive, FrameParser } from './frame.js'
import { checkAnswer, encodeHello, HandshakeReader, PROTOCOL_VERSIONS } from './handshake.js'
import type { Answer } from './handshake.js'
import { PeerQueue } from './peer-queue.js'
import type { Batch } from './peer-queue.js'
import { TcpConnection } from './tcp-connection.js'
import type { TcpContext } from './tcp-options.js'
import type { Frame, Peer } from './transport.js'

const KEEPALIVE = encodeKeepalive()

/** One connection of a link, from dialling to its end. */
interface Dialled {
  readonly connection: TcpConnection
  /** Gone once the answer was accepted. */
  answer: HandshakeReader<Answer> | undefined
  readonly parser: FrameParser
}

export class TcpLink {
  readonly peer: Peer
  readonly #context: TcpContext
  readonly #queue: PeerQueue
  #dialled: Dialled | undefined
  #standingSinceMs: number | undefined
  #keepalivesUnanswered = 0
  #failures = 0
  #reported: 'nothing' | 'reachable' | 'unreachable' = 'nothing'
  #reasonLogged: string | undefined
  #closed = false
  #retry: Cancel | undefined
  #keepalive: Cancel | undefined
  #flush: Cancel | undefined

  /** `replaced` is the link to the same peer at another address, which this one takes over from. */
  constructor(peer: Peer, context: TcpContext, replaced?: TcpLink) {
    this.peer = peer
    this.#context = context
    this.#queue = new PeerQueue(context.limits)
    const wasReachable = replaced?.close() ?? false
    this.#retry = context.environment.timers.soon(() => {
      if (wasReachable) context.handler.onUnreachable(peer.id, `its address changed to ${peer.address}`)
      this.#dial()
    })
  }

  get standing(): boolean {
    return this.#standingSinceMs !== undefined
  }

  send(frame: Frame): boolean {
    if (!this.standing || !this.#queue.offer(frame)) {
      this.#context.counters.framesDropped++
      return false
    }
    if (this.#queue.hasBatch) this.#write()
    this.#flush ??= this.#context.environment.timers.soon(() => {
      this.#flush = undefined
      this.#write()
    })
    return true
  }

  /** The peer has just called us, so it is there: no need to wait longer. */
  hint(): void {
    if (this.#closed || this.#dialled !== undefined) return
    this.#retry?.()
    this.#retry = this.#context.environment.timers.soon(() => this.#dial())
  }

  /** For good. Returns whether the peer was last reported reachable. */
  close(): boolean {
    if (this.#closed) return false
    this.#closed = true
    this.#retry?.()
    this.#hangUp()
    return this.#reported === 'reachable'
  }

  #dial(): void {
    this.#retry = undefined
    if (this.#closed || this.#dialled !== undefined) return
    const { clock, timers } = this.#context.environment
    let address
    try {
      address = parseAddress(this.peer.address)
    } catch (error) {
      // Dialled again like any other: the address came from outside, and the next one replaces this link.
      return this.#fell(error as Error)
    }
    const socket = connect({ ...address, noDelay: true, keepAlive: true })
    const connection = new TcpConnection(socket, {
      clock,
      timers,
      onBytes: (chunk) => this.#receive(dialled, chunk),
      onDrain: () => this.#write(),
      onEnd: (reason) => this.#fell(reason),
    })
    const parser = new FrameParser(0, {
      onFrame: () => connection.fail(new StoreError('MALFORMED', 'It sent a frame where only keepalives belong.')),
      onKeepalive: () => undefined,
    })
    const dialled: Dialled = { connection, parser, answer: HandshakeReader.ofAnswer() }
    this.#dialled = dialled
    const { handshakeMsMax } = this.#context.limits
    connection.deadline(handshakeMsMax, () => new StoreError('TIMEOUT', `No answer within ${handshakeMsMax} ms.`))
    socket.once('connect', () => {
      const { clusterId, memberId } = this.#context.identity
      connection.write([encodeHello({ versions: PROTOCOL_VERSIONS, clusterId, from: memberId, to: this.peer.id })])
    })
  }

  #receive(dialled: Dialled, chunk: Uint8Array): void {
    this.#keepalivesUnanswered = 0
    let version
    try {
      if (dialled.answer === undefined) return dialled.parser.push(chunk)
      const answer = dialled.answer.push(chunk)
      if (answer === undefined) return
      version = checkAnswer(answer, this.#context.identity, this.peer.id)
    } catch (error) {
      return dialled.connection.fail(error as Error)
    }
    dialled.answer = undefined
    dialled.connection.settle()
    this.#stand(version)
  }

  #stand(version: number): void {
    const { environment, handler } = this.#context
    this.#standingSinceMs = environment.clock.monotonicMs()
    this.#reasonLogged = undefined
    this.#reported = 'reachable'
    this.#scheduleKeepalive()
    environment.logger.info('connected to a peer', { peer: this.peer.id, address: this.peer.address })
    handler.onReachable(this.peer.id, version)
  }

  #scheduleKeepalive(): void {
    const { environment, limits } = this.#context
    this.#keepalive = environment.timers.after(limits.peerKeepaliveMs, () => {
      const connection = this.#dialled?.connection
      if (connection === undefined) return
      if (this.#keepalivesUnanswered >= limits.peerKeepalivesUnansweredMax) {
        const silence = `${this.#keepalivesUnanswered} keepalives unanswered, one each ${limits.peerKeepaliveMs} ms.`
        return connection.fail(new StoreError('TIMEOUT', silence))
      }
      this.#keepalivesUnanswered++
      // Behind bytes that do not leave, another keepalive would tell nothing new; that no answer comes still counts.
      if (connection.unsentBytes === 0) connection.write([KEEPALIVE])
      this.#scheduleKeepalive()
    })
  }

  /** Writes what waits, until the socket has enough; goes on when it has drained. */
  #write(): void {
    const connection = this.#dialled?.connection
    if (connection === undefined || !this.standing) return
    while (!connection.full) {
      const batch = this.#queue.take()
      if (batch === undefined) return
      connection.write(batch.chunks, (error) => this.#written(batch, error))
    }
  }

  #written(batch: Batch, error: Error | null | undefined): void {
    this.#queue.done(batch)
    if (error) this.#context.counters.framesDropped += batch.frames
    else this.#context.counters.framesSent += batch.frames
  }

  /** The connection is gone, or there never was one. */
  #fell(reason: Error): void {
    const { environment, handler, limits } = this.#context
    const stoodMs = this.#standingSinceMs === undefined ? 0 : environment.clock.monotonicMs() - this.#standingSinceMs
    this.#hangUp()
    // One that fell again at once does not count as a success: two members with one id would throw each other out of
    // the same peer forever, twenty times a second.
    this.#failures = stoodMs >= limits.peerReconnectMsMax ? 1 : this.#failures + 1
    const description = describe(reason)
    if (this.#reasonLogged !== description) {
      this.#reasonLogged = description
      const fields = { peer: this.peer.id, address: this.peer.address, reason: description }
      environment.logger.warn('a peer cannot be reached', fields)
    }
    this.#retry = environment.timers.after(this.#backoffMs(), () => this.#dial())
    if (this.#reported === 'unreachable') return
    this.#reported = 'unreachable'
    handler.onUnreachable(this.peer.id, description)
  }

  /** Doubles with each failure; half of it is chance, so that members that failed together do not come back together. */
  #backoffMs(): number {
    const { environment, limits } = this.#context
    const doublings = Math.min(this.#failures - 1, 16)
    const fullMs = Math.min(limits.peerReconnectMsMin * 2 ** doublings, limits.peerReconnectMsMax)
    return fullMs / 2 + (fullMs / 2) * (environment.random.uint32() / 0x1_0000_0000)
  }

  #hangUp(): void {
    this.#flush?.()
    this.#flush = undefined
    this.#keepalive?.()
    this.#keepalive = undefined
    this.#dialled?.parser.stop()
    this.#dialled?.connection.close()
    this.#dialled = undefined
    this.#standingSinceMs = undefined
    this.#keepalivesUnanswered = 0
    this.#context.counters.framesDropped += this.#queue.clear()
  }
}

function describe(reason: Error): string {
  const code = (reason as Error & { code?: unknown }).code
  // A name with several addresses fails with one error for all of them, whose text is empty.
  const text = reason instanceof AggregateError ? reason.errors.map(String).join(', ') : reason.message
  return typeof code === 'string' && !text.includes(code) ? `${code}: ${text}` : text
}

/**
 * Everybody who called a listener of a TCP transport: strangers, until their hello was accepted, and peers.
 *
 * Always: a caller that is not a peer gets no further than the hello and one question, and one inbound connection stands for
 * each peer and channel: a newer one replaces the older, which is what remains of a process or a path that died unnoticed.
 * Unless that one is alive and of another process, which says that it is the same member: then the newer one is refused.
 * Always: strangers are bounded in number and time, and never lock a peer out.
 */
import type { Socket } from 'node:net'
import type { StoreError } from '../base/errors.js'
import { parseAddress } from './address.js'
import type { Hello } from './handshake.js'
import { Questions } from './question.js'
import { RefusalLog } from './refusal-log.js'
import type { Roster } from './roster.js'
import { TcpInbound } from './tcp-inbound.js'
import type { InboundEvents, InboundPeer, Judgement } from './tcp-inbound.js'
import type { TcpContext } from './tcp-options.js'
import { TlsGate } from './tls-gate.js'
import type { TlsCaller } from './tls-identity.js'
import { TlsStranger } from './tls-stranger.js'
import type { Channel, PeerId } from './transport.js'

/** Whoever said something within so many intervals of keepalives lives. */
const ALIVE_KEEPALIVES = 2

export class TcpCallers {
  readonly #context: TcpContext
  readonly #roster: Roster
  readonly #called: (peer: PeerId) => void
  readonly #refusals: RefusalLog
  readonly #questions: Questions
  readonly #gate: TlsGate | undefined
  /** Those that are no peer, or not yet, oldest first. */
  readonly #strangers = new Set<TcpInbound | TlsStranger>()
  readonly #peers: Readonly<Record<Channel, Map<PeerId, TcpInbound>>> = { main: new Map(), bulk: new Map() }

  /** `called` is told whose main connection came to stand. */
  constructor(context: TcpContext, roster: Roster, called: (peer: PeerId) => void) {
    const { environment } = context
    this.#context = context
    this.#roster = roster
    this.#called = called
    this.#gate = context.tls === undefined ? undefined : new TlsGate(context.tls)
    this.#refusals = new RefusalLog(environment)
    this.#questions = new Questions((reason) => {
      environment.logger.warn('a question was not answered', { reason })
    })
  }

  accept(socket: Socket): void {
    const { main, bulk } = this.#peers
    const taken = this.#strangers.size + main.size + bulk.size
    if (taken >= this.#context.limits.inboundConnectionsMax && !this.#makeRoom()) {
      socket.on('error', () => undefined)
      socket.destroy()
      this.#refused('TOO_MANY', 'all inbound connections are taken by peers')
      return
    }
    if (this.#gate === undefined) this.#strangers.add(new TcpInbound(socket, undefined, this.#context, this.#events))
    else this.#secure(socket, this.#gate)
  }

  /** What it says is heard once it was seen who it is; until then it is a stranger like those without TLS. */
  #secure(socket: Socket, gate: TlsGate): void {
    const { environment, limits } = this.#context
    const stranger = new TlsStranger(socket, gate, environment.timers, limits.handshakeMsMax, {
      onSecured: (secured) => {
        this.#strangers.delete(stranger)
        this.#strangers.add(new TcpInbound(secured, secured, this.#context, this.#events))
      },
      onFailed: ({ code, message }) => {
        this.#strangers.delete(stranger)
        this.#refused(code, message, stranger.remote)
      },
    })
    this.#strangers.add(stranger)
  }

  /** Closes the connections of those that are no peers any more. */
  drop(): void {
    for (const callers of Object.values(this.#peers)) {
      for (const [id, caller] of callers) {
        if (this.#roster.get(id) !== undefined) continue
        caller.close()
        callers.delete(id)
      }
    }
  }

  close(): void {
    const { main, bulk } = this.#peers
    for (const caller of [...this.#strangers, ...main.values(), ...bulk.values()]) caller.close()
    for (const callers of [this.#strangers, main, bulk]) callers.clear()
    this.#gate?.close()
  }

  /**
   * Whoever holds connections open without a word must not lock out the peers until each has timed out: the oldest such
   * stranger goes. A peer says its hello within a round trip.
   */
  #makeRoom(): boolean {
    for (const oldest of this.#strangers) {
      oldest.close()
      this.#strangers.delete(oldest)
      this.#refused('TOO_MANY', 'a connection without a hello gave way to a newer one')
      return true
    }
    return false
  }

  readonly #events: InboundEvents = {
    judge: (hello, tlsCaller) => this.#judge(hello, tlsCaller),
    answer: (question) => this.#questions.answer(this.#context.handler, question),
    onAccepted: (caller, peer) => {
      this.#accepted(caller, peer)
    },
    onEnded: (caller, reason, refused) => {
      this.#strangers.delete(caller)
      const { peer } = caller
      if (peer !== undefined && this.#peers[peer.channel].get(peer.from) === caller) {
        this.#peers[peer.channel].delete(peer.from)
      }
      if (refused) this.#refused((reason as StoreError).code, reason.message, caller.remote, peer?.from)
    },
  }

  #accepted(caller: TcpInbound, { from, channel, life }: InboundPeer): void {
    this.#strangers.delete(caller)
    for (const [of, callers] of Object.entries(this.#peers)) {
      const older = callers.get(from)
      // Of another process nothing stays, on neither channel.
      if (older === undefined || (of !== channel && older.peer?.life === life)) continue
      older.close()
      callers.delete(from)
    }
    this.#peers[channel].set(from, caller)
    if (channel === 'main') this.#called(from)
  }

  #judge({ from, life }: Hello, tlsCaller: TlsCaller | undefined): Judgement | undefined {
    const code = this.#roster.refusal(from)
    if (code !== undefined) return { code }
    const why = tlsCaller === undefined ? undefined : this.#certificateRefusal(from, tlsCaller)
    if (why !== undefined) return { code: 'CERTIFICATE_REFUSED', why }
    const holders = [this.#peers.main.get(from), this.#peers.bulk.get(from)]
    const other = holders.find((holder) => this.#isOfAnother(life, holder))
    if (other === undefined) return undefined
    return { code: 'DUPLICATE_MEMBER', why: `another process runs as the same member at ${other.remote}` }
  }

  #certificateRefusal(from: PeerId, tlsCaller: TlsCaller): string | undefined {
    return this.#context.tls?.peerRefusal(tlsCaller, () => parseAddress(this.#roster.get(from)?.address ?? '').host)
  }

  /** Whether a process that lives, and not the one of this `life`, holds the connection. */
  #isOfAnother(life: number | undefined, holder: TcpInbound | undefined): boolean {
    const known = holder?.peer?.life
    if (holder === undefined || known === undefined || life === undefined || known === life) return false
    return holder.silentMs <= ALIVE_KEEPALIVES * this.#context.limits.peerKeepaliveMs
  }

  #refused(code: string, reason: string, remote?: string, peer?: PeerId): void {
    this.#context.counters.connectionsRefused++
    this.#refusals.add(code, { code, reason, remote, peer })
  }
}

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
import type { Hello, Refusal } from './handshake.js'
import { Questions } from './question.js'
import { RefusalLog } from './refusal-log.js'
import type { Roster } from './roster.js'
import { TcpInbound } from './tcp-inbound.js'
import type { InboundEvents, InboundPeer } from './tcp-inbound.js'
import type { TcpContext } from './tcp-options.js'
import type { Channel, PeerId } from './transport.js'

/** Whoever said something within so many intervals of keepalives lives. */
const ALIVE_KEEPALIVES = 2

export class TcpCallers {
  readonly #context: TcpContext
  readonly #roster: Roster
  readonly #called: (peer: PeerId) => void
  readonly #refusals: RefusalLog
  readonly #questions: Questions
  /** Those that are no peer, or not yet, oldest first. */
  readonly #strangers = new Set<TcpInbound>()
  readonly #peers: Readonly<Record<Channel, Map<PeerId, TcpInbound>>> = { main: new Map(), bulk: new Map() }

  /** `called` is told whose main connection came to stand. */
  constructor(context: TcpContext, roster: Roster, called: (peer: PeerId) => void) {
    const { environment } = context
    this.#context = context
    this.#roster = roster
    this.#called = called
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
    this.#strangers.add(new TcpInbound(socket, this.#context, this.#events))
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
    judge: (hello) => this.#judge(hello),
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

  #judge({ from, life }: Hello): Refusal | undefined {
    const refusal = this.#roster.refusal(from)
    if (refusal !== undefined) return refusal
    const holders = [this.#peers.main.get(from), this.#peers.bulk.get(from)]
    return holders.some((holder) => this.#isOfAnother(life, holder)) ? 'DUPLICATE_MEMBER' : undefined
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

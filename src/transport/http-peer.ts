/**
 * What there is between this member and one peer: the streams that we ask it for, and those that it asked us for.
 *
 * Always: the peer is reachable while its main stream from us stands, since that is the direction in which we send.
 * Always: `onReachable` and `onUnreachable` alternate.
 */
import type { ServerResponse } from 'node:http'
import type { Cancel } from '../base/clock.js'
import { isStoreError } from '../base/errors.js'
import { describeFailure } from './describe-failure.js'
import { isPlain } from './http-address.js'
import type { Answer, Hello } from './handshake.js'
import { ANSWER_HEADER, answerHeader, LIFE_HEADER } from './http-handshake.js'
import type { HttpContext } from './http-options.js'
import { HttpReceiver } from './http-receiver.js'
import { HttpSender } from './http-sender.js'
import type { Channel, Frame, Peer } from './transport.js'

export class HttpPeer {
  readonly #context: HttpContext
  readonly #senders = new Map<Channel, HttpSender>()
  #peer: Peer
  #receivers: Readonly<Record<Channel, HttpReceiver>>
  #reported: 'nothing' | 'reachable' | 'unreachable' = 'nothing'
  /** Goes off when a peer that we receive from has not asked for our frames. */
  #patience: Cancel | undefined
  /** Of the process that we receive from. */
  #life: number | undefined
  #removedReported = false

  constructor(peer: Peer, context: HttpContext) {
    this.#peer = peer
    this.#context = context
    this.#receivers = this.#receiversOf(peer)
  }

  get address(): string {
    return this.#peer.address
  }

  /** From now on another address is asked. What the peer asked us for stays: it came from the peer, wherever that is. */
  moveTo(address: string): void {
    this.#stopAsking()
    this.#peer = { ...this.#peer, address }
    this.#receivers = this.#receiversOf(this.#peer)
  }

  send(frame: Frame, channel: Channel): boolean {
    const sender = this.#senders.get(channel)
    if (sender !== undefined) return sender.send(frame)
    this.#context.counters.framesDropped++
    return false
  }

  /** Whether another process is there as this peer: not the one that says hello, and alive. */
  isAnotherThan({ life }: Hello): boolean {
    const { peerKeepaliveMs } = this.#context.limits
    if (life === undefined || this.#life === undefined || this.#life === life) return false
    return this.#receivers.main.heardWithin(2 * peerKeepaliveMs)
  }

  /** The peer asked for a channel, and is given it; one that it asked for earlier gives way. */
  accept(hello: Hello, answer: Answer & { type: 'accepted' }, response: ServerResponse): void {
    const { life } = hello
    const channel = hello.purpose as Channel
    for (const [of, older] of [...this.#senders]) {
      // Of another process nothing stays, on neither channel.
      if (of === channel || older.life !== life) older.fail(new Error('A newer stream took the place of this one.'))
    }
    const sender: HttpSender = new HttpSender(this.#context, {
      response,
      life,
      headers: { [ANSWER_HEADER]: answerHeader(answer), [LIFE_HEADER]: String(this.#context.self.life) },
      onEnd: (reason) => this.#senderEnded(channel, sender, reason),
    })
    this.#senders.set(channel, sender)
    this.#receivers.main.hint()
    this.#receivers.bulk.hint()
    if (channel === 'main') this.#reachable(answer.version)
  }

  /** For good, without a report. */
  close(): void {
    this.#stopAsking()
    for (const sender of this.#senders.values()) sender.close()
    this.#senders.clear()
  }

  #receiversOf(peer: Peer): Readonly<Record<Channel, HttpReceiver>> {
    const main = {
      onStanding: (life: number | undefined) => this.#mainStands(life),
      onFell: (reason: Error, silent: boolean) => this.#mainFell(reason, silent),
    }
    const bulk = { onStanding: () => undefined, onFell: () => undefined }
    return {
      main: new HttpReceiver(peer, 'main', this.#context, main),
      bulk: new HttpReceiver(peer, 'bulk', this.#context, bulk),
    }
  }

  #mainStands(life: number | undefined): void {
    this.#life = life
    const { environment, limits } = this.#context
    const { handshakeMsMax } = limits
    // Rather late than never: it is a mistake in an address that only one of the two sides can see.
    this.#patience ??= environment.timers.after(handshakeMsMax, () => {
      this.#patience = undefined
      if (this.#reported === 'nothing') {
        this.#unreachable(
          `it can be called, and has not called itself within ${handshakeMsMax} ms: the address that it has of this member may be wrong`,
        )
      }
    })
  }

  #mainFell(reason: Error, silent: boolean): void {
    // Where nothing arrives from, nothing may arrive: its end of our stream would never tell.
    if (silent) for (const sender of [...this.#senders.values()]) sender.fail(reason)
    if (this.#reported === 'nothing') this.#unreachable(describeFailure(reason, isPlain(this.address)))
    if (!isStoreError(reason, 'REMOVED') || this.#removedReported) return
    this.#removedReported = true
    this.#context.handler.onRemoved?.(this.#peer.id)
  }

  #senderEnded(channel: Channel, sender: HttpSender, reason: Error): void {
    if (this.#senders.get(channel) !== sender) return
    this.#senders.delete(channel)
    if (channel === 'main') this.#unreachable(describeFailure(reason, isPlain(this.address)))
  }

  #reachable(version: number): void {
    const { environment, handler } = this.#context
    this.#reported = 'reachable'
    this.#removedReported = false
    environment.logger.info('connected to a peer', { peer: this.#peer.id, address: this.#peer.address })
    handler.onReachable(this.#peer.id, version)
  }

  #unreachable(reason: string): void {
    if (this.#reported === 'unreachable') return
    this.#reported = 'unreachable'
    this.#context.handler.onUnreachable(this.#peer.id, reason)
  }

  #stopAsking(): void {
    this.#patience?.()
    this.#patience = undefined
    this.#receivers.main.close()
    this.#receivers.bulk.close()
  }
}

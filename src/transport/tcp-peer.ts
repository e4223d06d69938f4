/**
 * All that leads to one peer: the link of the main channel and, beside it, that of bulk.
 *
 * Always: `onReachable` and `onUnreachable` alternate, and are about main alone. Bulk is dialled while main stands with a peer
 * that knows of channels; to any other peer its frames go over main.
 */
import type { Cancel } from '../base/clock.js'
import { isStoreError } from '../base/errors.js'
import { describeFailure } from './describe-failure.js'
import { hasChannels } from './handshake.js'
import { TcpLink } from './tcp-link.js'
import type { TcpContext } from './tcp-options.js'
import type { Channel, Frame, Peer } from './transport.js'

export class TcpPeer {
  readonly peer: Peer
  readonly #context: TcpContext
  readonly #main: TcpLink
  #bulk: TcpLink | undefined
  #start: Cancel | undefined
  #reported: 'nothing' | 'reachable' | 'unreachable' = 'nothing'
  #removedReported = false
  #closed = false

  /** `replaced` is the same peer at another address, which this one takes over from. */
  constructor(peer: Peer, context: TcpContext, replaced?: TcpPeer) {
    this.peer = peer
    this.#context = context
    this.#main = new TcpLink(peer, 'main', context, {
      onStanding: (version) => this.#stands(version),
      onFallen: (reason) => this.#fell(reason),
      onRoundTrip: (durationMs) => context.handler.onRoundTrip?.(peer.id, durationMs),
    })
    const wasReachable = replaced?.close() ?? false
    this.#start = context.environment.timers.soon(() => {
      this.#start = undefined
      if (wasReachable) context.handler.onUnreachable(peer.id, `its address changed to ${peer.address}`)
      this.#main.dial()
    })
  }

  send(frame: Frame, channel: Channel): boolean {
    return (channel === 'bulk' && this.#bulk !== undefined ? this.#bulk : this.#main).send(frame)
  }

  /** The peer has just called us. */
  hint(): void {
    // Before the start it is about to be dialled anyway, behind what is to be told first.
    if (this.#start === undefined) this.#main.hint()
  }

  /** For good. Returns whether the peer was last reported reachable. */
  close(): boolean {
    this.#closed = true
    this.#start?.()
    this.#bulk?.close()
    this.#main.close()
    return this.#reported === 'reachable'
  }

  #stands(version: number): void {
    this.#reported = 'reachable'
    this.#removedReported = false
    if (hasChannels(version)) {
      // Whether it stands or not is nobody's concern: what is sent on it meanwhile is dropped, and asked for again.
      const unreported = { onStanding: () => undefined, onFallen: () => undefined, onRoundTrip: () => undefined }
      this.#bulk = new TcpLink(this.peer, 'bulk', this.#context, unreported)
      this.#bulk.dial()
    }
    this.#context.handler.onReachable(this.peer.id, version)
  }

  #fell(reason: Error): void {
    this.#bulk?.close()
    this.#bulk = undefined
    const { handler } = this.#context
    if (this.#reported !== 'unreachable') {
      this.#reported = 'unreachable'
      handler.onUnreachable(this.peer.id, describeFailure(reason))
    }
    // The handler that was just called may have closed this one.
    if (this.#closed || this.#removedReported || !isStoreError(reason, 'REMOVED')) return
    this.#removedReported = true
    handler.onRemoved?.(this.peer.id)
  }
}

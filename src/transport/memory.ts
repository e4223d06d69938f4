/**
 * A network inside one process, for clusters that live in one: tests, examples, a cluster of one.
 *
 * Always: a frame that was accepted arrives, in order, in a later turn. The network is an object: two of them in one
 * process know nothing of each other.
 * Not here: faults. Those are the simulated network's (testing/sim/sim-network.ts).
 */
import type { Cancel, Timers } from '../base/clock.js'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { MemoryTransport } from './memory-transport.js'
import type { Medium } from './memory-transport.js'
import type { Frame, Peer, Transport, TransportIdentity } from './transport.js'

/** What is on the way to one transport. */
interface Inbox {
  frames: { readonly from: TransportIdentity; readonly frame: Frame }[]
  bytes: number
  /** Calls off the turn in which it is to be emptied. */
  emptying: Cancel | undefined
}

/**
 * Transports that reach each other by name.
 *
 * @example
 * const network = new MemoryNetwork()
 * const transport = network.transport('a', environment.timers)
 */
export class MemoryNetwork {
  readonly #attached = new Map<string, MemoryTransport>()
  readonly #inboxes = new Map<MemoryTransport, Inbox>()

  /** A transport, not yet started, that others reach at `address`. Its handler is called from its own timers. */
  transport(address: string, timers: Timers): Transport {
    return new MemoryTransport(address, timers, this.#medium)
  }

  readonly #medium: Medium = {
    attach: (transport) => {
      if (this.#attached.has(transport.place)) {
        throw new StoreError('ADDRESS_IN_USE', `'${transport.place}' is taken by another transport of this network.`)
      }
      this.#attached.set(transport.place, transport)
      this.#inboxes.set(transport, { frames: [], bytes: 0, emptying: undefined })
    },
    detach: (transport) => {
      this.#attached.delete(transport.place)
      this.#inboxes.get(transport)?.emptying?.()
      this.#inboxes.delete(transport)
    },
    reach: (from, peer) => meet(from, this.#attached.get(peer.address), peer),
    changed: () => {
      for (const transport of this.#attached.values()) transport.lookAgain()
    },
    carry: (from, to, frame) => this.#carry(from, to, frame),
  }

  #carry(from: MemoryTransport, to: MemoryTransport, frame: Frame): boolean {
    const inbox = this.#inboxes.get(to)
    if (inbox === undefined || from.identity === undefined) return false
    if (inbox.frames.length >= LIMITS.peerQueueFramesMax) return false
    if (inbox.bytes > 0 && inbox.bytes + frame.bytes.byteLength > LIMITS.peerQueueBytesMax) return false
    inbox.frames.push({ from: from.identity, frame })
    inbox.bytes += frame.bytes.byteLength
    inbox.emptying ??= to.timers.soon(() => this.#empty(to, inbox))
    return true
  }

  #empty(to: MemoryTransport, inbox: Inbox): void {
    const frames = inbox.frames
    inbox.frames = []
    inbox.bytes = 0
    inbox.emptying = undefined
    for (const { from, frame } of frames) to.deliver(from, frame)
  }
}

/** Whom `from` meets when it calls `peer` at an address where `target` listens. */
export function meet(from: MemoryTransport, target: MemoryTransport | undefined, peer: Peer): MemoryTransport | string {
  if (target === undefined) return 'nobody listens there'
  if (from.identity === undefined) return 'it was not started'
  return target.admits(from.identity, peer.id) ?? target
}

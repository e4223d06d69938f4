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
import type { Answered, Medium, Unreached } from './memory-transport.js'
import type { Channel, Frame, Peer, Transport, TransportIdentity } from './transport.js'

/** What is on the way to one transport, on one channel. */
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
  readonly #inboxes = new Map<MemoryTransport, Readonly<Record<Channel, Inbox>>>()

  /**
   * A transport, not yet started, that others reach at `address`. Its handler is called from its own timers. With `version`
   * it behaves as one of an older program would.
   */
  transport(address: string, timers: Timers, version?: number): Transport {
    return new MemoryTransport(address, timers, this.#medium, version)
  }

  readonly #medium: Medium = {
    attach: (transport) => {
      if (this.#attached.has(transport.place)) {
        throw new StoreError('ADDRESS_IN_USE', `'${transport.place}' is taken by another transport of this network.`)
      }
      this.#attached.set(transport.place, transport)
      this.#inboxes.set(transport, { main: newInbox(), bulk: newInbox() })
    },
    detach: (transport) => {
      this.#attached.delete(transport.place)
      const { main, bulk } = this.#inboxes.get(transport) ?? {}
      main?.emptying?.()
      bulk?.emptying?.()
      this.#inboxes.delete(transport)
    },
    reach: (from, peer) => meet(from, this.#attached.get(peer.address), peer),
    changed: () => {
      for (const transport of this.#attached.values()) transport.lookAgain()
    },
    carry: (from, to, frame, channel) => this.#carry(from, to, frame, channel),
    ask: (from, address, question, answered) => {
      this.#ask(from, address, question, answered)
    },
  }

  #carry(from: MemoryTransport, to: MemoryTransport, frame: Frame, channel: Channel): boolean {
    const inbox = this.#inboxes.get(to)?.[channel]
    if (inbox === undefined || from.identity === undefined) return false
    if (inbox.frames.length >= LIMITS.peerQueueFramesMax) return false
    if (inbox.bytes > 0 && inbox.bytes + frame.bytes.byteLength > LIMITS.peerQueueBytesMax) return false
    inbox.frames.push({ from: from.identity, frame })
    inbox.bytes += frame.bytes.byteLength
    inbox.emptying ??= to.timers.soon(() => this.#empty(to, inbox))
    return true
  }

  /** Asked in a turn of whoever answers, and told in a turn of whoever asked. */
  #ask(from: MemoryTransport, address: string, question: Uint8Array, answered: (answer: Answered) => void): void {
    const tell = (answer: Answered): void => {
      from.timers.soon(() => answered(answer))
    }
    const target = this.#attached.get(address)
    if (target === undefined) return tell({ reason: 'nobody listens there' })
    target.timers.soon(() => void target.answer(question).then(tell))
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
export function meet(
  from: MemoryTransport,
  target: MemoryTransport | undefined,
  peer: Peer,
): MemoryTransport | Unreached {
  if (target === undefined) return { reason: 'nobody listens there' }
  return target.admits(from, peer.id) ?? target
}

function newInbox(): Inbox {
  return { frames: [], bytes: 0, emptying: undefined }
}

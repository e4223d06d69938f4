/**
 * A transport whose peers are objects in the same process. What lies between them, the medium, decides whom one can
 * reach and what becomes of a frame: memory.ts delivers everything, the simulated network of the testing kit does not.
 *
 * Always: nothing is delivered or reported within a call of the caller: a member never meets itself halfway through.
 * Always: the bytes are copied when sent, so that neither side can change what the other one holds.
 */
import type { Cancel, Timers } from '../base/clock.js'
import { StoreError } from '../base/errors.js'
import { checkFrame, checkIdentity } from './checks.js'
import type {
  Frame,
  Peer,
  PeerId,
  Transport,
  TransportHandler,
  TransportIdentity,
  TransportStatistics,
} from './transport.js'

/** What lies between transports. */
export interface Medium {
  /** The transport starts. Throws `ADDRESS_IN_USE`. */
  attach(transport: MemoryTransport): void
  detach(transport: MemoryTransport): void
  /** The transport that `from` reaches as `peer`, or the reason why it reaches none. */
  reach(from: MemoryTransport, peer: Peer): MemoryTransport | string
  /** Who can reach whom may have changed through `transport`: everybody is to look again. */
  changed(transport: MemoryTransport): void
  /** Takes a frame, whose bytes nobody changes any more; false when it was dropped. */
  carry(from: MemoryTransport, to: MemoryTransport, frame: Frame): boolean
}

interface Link {
  readonly peer: Peer
  /** Set while the peer is reported reachable. */
  target: MemoryTransport | undefined
  reported: 'nothing' | 'reachable' | 'unreachable'
}

export class MemoryTransport implements Transport {
  /** Its name within the medium. */
  readonly place: string
  readonly timers: Timers
  readonly #medium: Medium
  #peers = new Map<PeerId, Peer>()
  #links = new Map<PeerId, Link>()
  #state: 'new' | 'started' | 'closed' = 'new'
  #identity: TransportIdentity | undefined
  #handler: TransportHandler | undefined
  #look: Cancel | undefined
  #framesSent = 0
  #framesReceived = 0
  #framesDropped = 0
  #connectionsRefused = 0

  constructor(place: string, timers: Timers, medium: Medium) {
    this.place = place
    this.timers = timers
    this.#medium = medium
  }

  get address(): string | undefined {
    return this.#state === 'new' ? undefined : this.place
  }

  get statistics(): TransportStatistics {
    return {
      framesSent: this.#framesSent,
      framesReceived: this.#framesReceived,
      framesDropped: this.#framesDropped,
      connectionsRefused: this.#connectionsRefused,
    }
  }

  /** Undefined unless it is started and not closed. */
  get identity(): TransportIdentity | undefined {
    return this.#state === 'started' ? this.#identity : undefined
  }

  async start(identity: TransportIdentity, handler: TransportHandler): Promise<void> {
    if (this.#state === 'closed') throw new StoreError('CLOSED', 'The transport is closed.')
    if (this.#state === 'started') throw new TypeError('The transport was started already.')
    checkIdentity(identity)
    this.#medium.attach(this)
    this.#identity = identity
    this.#handler = handler
    this.#state = 'started'
    this.setPeers([...this.#peers.values()])
  }

  setPeers(peers: readonly Peer[]): void {
    this.#peers = new Map(peers.map((peer) => [peer.id, peer]))
    if (this.#state !== 'started') return
    this.#peers.delete(this.#identity?.memberId ?? 0)
    const before = this.#links
    this.#links = new Map()
    for (const peer of this.#peers.values()) {
      const link = before.get(peer.id)
      const reported = link?.reported ?? 'nothing'
      const same = link?.peer.address === peer.address
      this.#links.set(peer.id, same ? link : { peer, target: undefined, reported })
    }
    this.#medium.changed(this)
  }

  send(to: PeerId, frame: Frame): boolean {
    checkFrame(frame)
    const target = this.#links.get(to)?.target
    // A target that has closed is found out at once; that it is reported comes a little later.
    const reached = this.#state === 'started' && target?.identity !== undefined
    if (!reached || !this.#medium.carry(this, target, { kind: frame.kind, bytes: Buffer.from(frame.bytes) })) {
      this.#framesDropped++
      return false
    }
    this.#framesSent++
    return true
  }

  /** Synchronous but for its type: `crash` of a simulated network relies on it. */
  async close(): Promise<void> {
    if (this.#state === 'closed') return
    const started = this.#state === 'started'
    this.#state = 'closed'
    this.#look?.()
    this.#links.clear()
    if (!started) return
    this.#medium.detach(this)
    this.#medium.changed(this)
  }

  /** For the medium: whether this end takes frames from there (still). */
  accepts(from: TransportIdentity): boolean {
    return this.identity?.clusterId === from.clusterId && this.#peers.has(from.memberId)
  }

  /** For the medium: hands a frame up, if this end takes it. */
  deliver(from: TransportIdentity, frame: Frame): void {
    if (!this.accepts(from)) return
    this.#framesReceived++
    this.#handler?.onFrame(from.memberId, frame)
  }

  /** For the medium: whether a caller is let in, and counts one that is not. */
  admits(caller: TransportIdentity, wanted: PeerId): string | undefined {
    const reason = this.#refusal(caller, wanted)
    if (reason !== undefined) this.#connectionsRefused++
    return reason
  }

  /** For the medium: the connection to `target` broke. It is reported, and a new one made. */
  broken(target: MemoryTransport): void {
    for (const link of this.#links.values()) if (link.target === target) link.target = undefined
    this.lookAgain()
  }

  /** For the medium: look again whom this one can reach, after what is happening now. */
  lookAgain(): void {
    if (this.#state !== 'started') return
    this.#look ??= this.timers.soon(() => {
      this.#look = undefined
      for (const link of [...this.#links.values()]) this.#examine(link)
    })
  }

  #refusal(caller: TransportIdentity, wanted: PeerId): string | undefined {
    const self = this.identity
    if (self === undefined) return 'nobody listens there'
    if (caller.clusterId !== self.clusterId) return `WRONG_CLUSTER: it belongs to cluster ${self.clusterId}`
    if (wanted !== self.memberId) return `WRONG_MEMBER: it is member ${self.memberId}`
    if (!this.#peers.has(caller.memberId)) return 'UNKNOWN_PEER: it does not know us'
    return undefined
  }

  #examine(link: Link): void {
    const handler = this.#handler
    // A handler that was just called may have closed this transport, or changed its peers.
    if (handler === undefined || this.#links.get(link.peer.id) !== link) return
    const reached = this.#medium.reach(this, link.peer)
    const target = typeof reached === 'string' ? undefined : reached
    if (link.reported === 'reachable' && link.target !== target) {
      link.target = undefined
      link.reported = 'unreachable'
      handler.onUnreachable(link.peer.id, typeof reached === 'string' ? reached : 'the connection broke')
      if (target !== undefined) this.lookAgain()
    } else if (target !== undefined && link.target === undefined) {
      link.target = target
      link.reported = 'reachable'
      handler.onReachable(link.peer.id)
    } else if (target === undefined && link.reported === 'nothing') {
      link.reported = 'unreachable'
      handler.onUnreachable(link.peer.id, reached as string)
    }
  }
}

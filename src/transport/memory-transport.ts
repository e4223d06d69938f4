/**
 * A transport whose peers are objects in the same process. What lies between them, the medium, decides whom one can
 * reach and what becomes of a frame: memory.ts delivers everything, the simulated network of the testing kit does not.
 *
 * Always: nothing is delivered or reported within a call of the caller: a member never meets itself halfway through.
 * Always: the bytes are copied when sent, so that neither side can change what the other one holds.
 *
 * A transport may be made that speaks an older version, as if an older program ran there: what that version does not know is
 * not told to it.
 */
import type { Cancel, Timers } from '../base/clock.js'
import { StoreError } from '../base/errors.js'
import { checkFrame, checkIdentity } from './checks.js'
import { hasChannels, PROTOCOL_VERSIONS } from './handshake.js'
import { checkQuestion, NO_ANSWER, Questions, unanswered, unansweredInTime } from './question.js'
import { Roster } from './roster.js'
import type {
  Channel,
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
  /** The transport that `from` reaches as `peer`, or why it reaches none. */
  reach(from: MemoryTransport, peer: Peer): MemoryTransport | Unreached
  /** Who can reach whom may have changed through `transport`: everybody is to look again. */
  changed(transport: MemoryTransport): void
  /** Takes a frame, whose bytes nobody changes any more; false when it was dropped. */
  carry(from: MemoryTransport, to: MemoryTransport, frame: Frame, channel: Channel): boolean
  /** Takes a question to whoever is at `address`, and what comes back to `from`, as far as anything does. */
  ask(from: MemoryTransport, address: string, question: Uint8Array, answered: (answer: Answered) => void): void
}

/** Why a peer is not reached. */
export interface Unreached {
  readonly reason: string
  /** The peer says that the caller was removed. */
  readonly removed?: boolean
}

/** An answer, or why there is none. */
export type Answered = Uint8Array | Unreached

interface Link {
  readonly peer: Peer
  /** Set while the peer is reported reachable. */
  target: MemoryTransport | undefined
  reported: 'nothing' | 'reachable' | 'unreachable'
  /** Whether it was reported that the peer says we were removed. */
  removed: boolean
}

export class MemoryTransport implements Transport {
  /** Its name within the medium. */
  readonly place: string
  readonly timers: Timers
  readonly version: number
  readonly #medium: Medium
  readonly #roster = new Roster()
  readonly #questions = new Questions()
  #links = new Map<PeerId, Link>()
  #state: 'new' | 'started' | 'closed' = 'new'
  #identity: TransportIdentity | undefined
  #handler: TransportHandler | undefined
  #look: Cancel | undefined
  #framesSent = 0
  #framesReceived = 0
  #framesDropped = 0
  #connectionsRefused = 0

  constructor(place: string, timers: Timers, medium: Medium, version: number = PROTOCOL_VERSIONS.max) {
    this.place = place
    this.timers = timers
    this.version = version
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
    this.#roster.pass(identity.memberId)
    this.#relink()
  }

  setPeers(peers: readonly Peer[], removed: readonly PeerId[] = []): void {
    this.#roster.set(peers, removed, this.#identity?.memberId)
    if (this.#state === 'started') this.#relink()
  }

  #relink(): void {
    const before = this.#links
    this.#links = new Map()
    for (const peer of this.#roster.peers) {
      const link = before.get(peer.id)
      const reported = link?.reported ?? 'nothing'
      const same = link?.peer.address === peer.address
      this.#links.set(peer.id, same ? link : { peer, target: undefined, reported, removed: false })
    }
    this.#medium.changed(this)
  }

  send(to: PeerId, frame: Frame, channel: Channel = 'main'): boolean {
    checkFrame(frame)
    const target = this.#links.get(to)?.target
    // A target that has closed is found out at once; that it is reported comes a little later.
    const reached = this.#state === 'started' && target?.identity !== undefined
    if (!reached || !this.#medium.carry(this, target, { kind: frame.kind, bytes: Buffer.from(frame.bytes) }, channel)) {
      this.#framesDropped++
      return false
    }
    this.#framesSent++
    return true
  }

  async ask(address: string, question: Uint8Array, timeoutMs: number): Promise<Uint8Array> {
    checkQuestion(question, timeoutMs)
    if (this.#state === 'closed') throw new StoreError('CLOSED', 'The transport is closed.')
    return new Promise((resolve, reject) => {
      const cancel = this.timers.after(timeoutMs, () => {
        reject(unansweredInTime(address, timeoutMs))
      })
      this.#medium.ask(this, address, Buffer.from(question), (answer) => {
        cancel()
        if (this.#state === 'closed') reject(new StoreError('CLOSED', 'The transport was closed.'))
        else if (answer instanceof Uint8Array) resolve(answer)
        else reject(unanswered(address, answer.reason))
      })
    })
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
    return this.identity?.clusterId === from.clusterId && this.#roster.get(from.memberId) !== undefined
  }

  /** For the medium: hands a frame up, if this end takes it. */
  deliver(from: TransportIdentity, frame: Frame): void {
    if (!this.accepts(from)) return
    this.#framesReceived++
    this.#handler?.onFrame(from.memberId, frame)
  }

  /** For the medium: whether a caller is let in, and counts one that is not. */
  admits(caller: MemoryTransport, wanted: PeerId): Unreached | undefined {
    const refusal = this.#refusal(caller, wanted)
    if (refusal !== undefined) this.#connectionsRefused++
    return refusal
  }

  /** For the medium: somebody asks. Never rejects. */
  async answer(question: Uint8Array): Promise<Answered> {
    const handler = this.identity === undefined ? undefined : this.#handler
    if (handler === undefined) return { reason: 'nobody listens there' }
    const answer = hasChannels(this.version) ? await this.#questions.answer(handler, question) : 'untaken'
    return typeof answer === 'string' ? { reason: NO_ANSWER[answer] } : answer
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

  #refusal({ identity: caller, version }: MemoryTransport, wanted: PeerId): Unreached | undefined {
    const self = this.identity
    if (caller === undefined) return { reason: 'it was not started' }
    if (self === undefined) return { reason: 'nobody listens there' }
    if (caller.clusterId !== self.clusterId) return { reason: `WRONG_CLUSTER: it belongs to cluster ${self.clusterId}` }
    if (wanted !== self.memberId) return { reason: `WRONG_MEMBER: it is member ${self.memberId}` }
    const refusal = this.#roster.refusal(caller.memberId)
    if (refusal === undefined) return undefined
    const removed = refusal === 'REMOVED' && hasChannels(Math.min(version, this.version))
    if (!removed) return { reason: 'UNKNOWN_PEER: it does not know us' }
    return { reason: 'REMOVED: it says that this member was removed from the cluster', removed: true }
  }

  #examine(link: Link): void {
    const handler = this.#handler
    // A handler that was just called may have closed this transport, or changed its peers.
    if (handler === undefined || this.#links.get(link.peer.id) !== link) return
    const reached = this.#medium.reach(this, link.peer)
    const [target, unreached] = reached instanceof MemoryTransport ? [reached, undefined] : [undefined, reached]
    if (link.reported === 'reachable' && link.target !== target) {
      link.target = undefined
      link.reported = 'unreachable'
      handler.onUnreachable(link.peer.id, unreached?.reason ?? 'the connection broke')
      if (target !== undefined) this.lookAgain()
    } else if (target !== undefined && link.target === undefined) {
      link.target = target
      link.reported = 'reachable'
      link.removed = false
      handler.onReachable(link.peer.id, Math.min(this.version, target.version))
    } else if (unreached !== undefined && link.reported === 'nothing') {
      link.reported = 'unreachable'
      handler.onUnreachable(link.peer.id, unreached.reason)
    }
    // Not where the handler that was just called closed this transport, or dropped the peer.
    if (unreached?.removed !== true || link.removed || this.#links.get(link.peer.id) !== link) return
    link.removed = true
    handler.onRemoved?.(link.peer.id)
  }
}

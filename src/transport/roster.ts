/** Whom one end of a transport knows: its peers, and those who were members and are not any more. */
import type { Peer, PeerId } from './transport.js'

export class Roster {
  #peers = new Map<PeerId, Peer>()
  #removed: ReadonlySet<PeerId> = new Set()

  /** The own id is passed over, once it is known. */
  set(peers: Iterable<Peer>, removed: Iterable<PeerId>, self?: PeerId): void {
    this.#peers = new Map(Array.from(peers, (peer) => [peer.id, peer]))
    this.#removed = new Set(removed)
    if (self !== undefined) this.#peers.delete(self)
  }

  /** The start tells who this end is. */
  pass(self: PeerId): void {
    this.#peers.delete(self)
  }

  get peers(): IterableIterator<Peer> {
    return this.#peers.values()
  }

  get(id: PeerId): Peer | undefined {
    return this.#peers.get(id)
  }

  /** Why a caller of this id is not let in. */
  refusal(id: PeerId): 'UNKNOWN_PEER' | 'REMOVED' | undefined {
    if (this.#peers.has(id)) return undefined
    return this.#removed.has(id) ? 'REMOVED' : 'UNKNOWN_PEER'
  }
}

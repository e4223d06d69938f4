/** Which version of the protocol each member speaks that this one is connected to, as the transport negotiated it. */
import type { NodeId } from '../raft/types.js'

/** The first that knows of changes of the membership. */
const VERSION_WITH_MEMBERS = 2
/** The first that reads more of a member than its name and address, and takes a member that has no name yet. */
const VERSION_WITH_RECORDS = 3
/** The first with a channel of its own for what is large. */
const VERSION_WITH_BULK = 2

export class PeerVersions {
  readonly #versions = new Map<NodeId, number>()
  /**
   * Those that were last seen to speak a version without records. Not forgotten with the connection: what they could not read
   * would be in the log when they are back.
   */
  readonly #withoutRecords = new Set<NodeId>()
  /** The same of a version with records. Who is in neither set was not seen since this process began. */
  readonly #withRecords = new Set<NodeId>()

  reachable(peer: NodeId, version: number): void {
    this.#versions.set(peer, version)
    const [as, not] =
      version < VERSION_WITH_RECORDS
        ? [this.#withoutRecords, this.#withRecords]
        : [this.#withRecords, this.#withoutRecords]
    as.add(peer)
    not.delete(peer)
  }

  unreachable(peer: NodeId): void {
    this.#versions.delete(peer)
  }

  /** Whether nobody is connected. */
  get none(): boolean {
    return this.#versions.size === 0
  }

  /** Whether it is connected, and understands what is said of the membership. */
  knowsMembers(peer: NodeId): boolean {
    return (this.#versions.get(peer) ?? 0) >= VERSION_WITH_MEMBERS
  }

  /** Whether it is connected, and what is large is sent to it, and by it, on a channel of its own. */
  hasBulk(peer: NodeId): boolean {
    return (this.#versions.get(peer) ?? 0) >= VERSION_WITH_BULK
  }

  /** Whether it was seen, and could not read the book of members with what they announced. */
  lacksRecords(peer: NodeId): boolean {
    return this.#withoutRecords.has(peer)
  }

  /** Whether it was seen, and can read it: not merely that nothing is known against it. */
  hasRecords(peer: NodeId): boolean {
    return this.#withRecords.has(peer)
  }

  /** Whether it is connected, and would not understand a change of the membership. */
  isTooOld(peer: NodeId): boolean {
    return (this.#versions.get(peer) ?? VERSION_WITH_MEMBERS) < VERSION_WITH_MEMBERS
  }
}

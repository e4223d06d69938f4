/** The transport of one member: whom it speaks to follows the book, and what comes of it goes where it belongs. */
import type { MemberBook } from '../machine/member-book.js'
import type { NodeId } from '../raft/types.js'
import type { Frame, TransportHandler } from '../transport/transport.js'
import type { AddressBook } from './address-book.js'
import type { MemberOptions } from './member-options.js'
import type { PeerVersions } from './peer-versions.js'

export interface PeeringParts {
  readonly options: Pick<MemberOptions, 'clusterId' | 'memberId' | 'transport' | 'environment'>
  readonly book: AddressBook
  readonly versions: PeerVersions
  readonly receive: (from: NodeId, frame: Frame) => void
  readonly answer: (question: Uint8Array) => Promise<Uint8Array>
  /** The others say that this member was removed. */
  readonly removed: (why: string) => void
}

export class Peering {
  readonly #parts: PeeringParts

  constructor(parts: PeeringParts) {
    this.#parts = parts
  }

  async start(): Promise<void> {
    const { clusterId, memberId, transport } = this.#parts.options
    this.tell()
    await transport?.start({ clusterId, memberId }, this.#handler())
  }

  /** The book is another one. */
  tell(): void {
    const { options, book } = this.#parts
    options.transport?.setPeers(book.peers, book.removed)
  }

  /** Another member says who is in the cluster, and knows more of it than this one. */
  heard(by: NodeId, { removed }: MemberBook): void {
    if (removed.includes(this.#parts.options.memberId)) this.#removedBy(by)
    else this.tell()
  }

  #handler(): TransportHandler {
    const { book, versions, receive, answer, options } = this.#parts
    const { logger } = options.environment
    return {
      onFrame: receive,
      onReachable: (peer, version) => {
        versions.reachable(peer, version)
        logger.info('peer reachable', { peer: book.nameOf(peer), version })
      },
      onUnreachable: (peer, reason) => {
        versions.unreachable(peer)
        logger.warn('peer unreachable', { peer: book.nameOf(peer), reason })
      },
      onQuestion: answer,
      onRemoved: (by) => {
        this.#removedBy(by)
      },
    }
  }

  #removedBy(by: NodeId): void {
    const { book, removed } = this.#parts
    removed(`${book.nameOf(by) ?? by} says so`)
  }
}

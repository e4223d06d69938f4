/**
 * How a member that was away learns whom it has to listen to. Members come while it is away, and one of them may lead: whom
 * it does not know it does not let speak to it, not even to tell it so. But it still knows others, and asks them.
 *
 *     no leader is heard ── some election timeouts ──► ask all peers ── one knows of later changes ──► their members are peers
 *                                                        └── nothing came of it ──► ask elsewhere, too (elsewhere.ts)
 *
 * Always: what is told so changes whom the transport speaks to, and nothing else: who votes is decided by the log alone.
 * Always: nobody is told but who asks, and nobody asks who hears a leader.
 * A member all of whose peers were replaced while it was away, by members at addresses of which it was not told at its start
 * either, has nobody to ask: it is to be removed and added anew.
 */
import { hasRecords, type MemberBook } from '../machine/member-book.js'
import type { Machine } from '../machine/machine.js'
import type { RawNode } from '../raft/raw-node.js'
import { NOBODY, type NodeId } from '../raft/types.js'
import type { AddressBook } from './address-book.js'
import type { PeerVersions } from './peer-versions.js'
import { decodeBook, type BookFrame } from './wire/book-codec.js'

export interface BookExchangeParts {
  readonly raft: Pick<RawNode, 'leader'>
  readonly machine: Pick<Machine, 'members'>
  readonly book: AddressBook
  readonly versions: PeerVersions
  readonly electionTimeoutMs: number
  readonly send: (to: NodeId, frame: BookFrame) => void
  /** Asks at other addresses than those of peers. */
  readonly askElsewhere: () => void
  /** There are other peers than before, or this member is told that it was removed. */
  readonly heard: (by: NodeId, book: MemberBook) => void
}

/** Election timeouts without a leader until the others are asked, and until they are asked again. */
const PATIENCE_ELECTIONS = 3

export class BookExchange {
  readonly #parts: BookExchangeParts
  readonly #patienceMs: number
  /** When the others are asked next; Infinity while a leader is known. */
  #askMs = Infinity
  /** How often in a row. */
  #asked = 0

  constructor(parts: BookExchangeParts) {
    this.#parts = parts
    this.#patienceMs = PATIENCE_ELECTIONS * parts.electionTimeoutMs
  }

  turn(nowMs: number): void {
    const { raft, book, versions, send, askElsewhere } = this.#parts
    if (raft.leader !== NOBODY || book.alone) {
      this.#askMs = Infinity
      this.#asked = 0
    } else if (this.#askMs === Infinity) this.#askMs = nowMs + this.#patienceMs
    if (nowMs < this.#askMs) return
    this.#askMs = nowMs + this.#patienceMs
    for (const { id } of book.peers) if (versions.knowsMembers(id)) send(id, { type: 'ask', index: book.index })
    if (++this.#asked > 1) askElsewhere()
  }

  nextDeadlineMs(): number {
    return this.#askMs
  }

  /** Throws `MALFORMED`. */
  receive(from: NodeId, bytes: Uint8Array): void {
    const { machine, book, versions, send, heard } = this.#parts
    const frame = decodeBook(bytes)
    if (frame.type === 'ask') {
      const { members } = machine
      if (members === undefined || members.index <= frame.index) return
      const { index, book: known, removed } = members
      if (hasRecords(known) && versions.lacksRecords(from)) return
      send(from, { type: 'tell', index, book: { members: known, removed } })
    } else if (book.hear(frame.index, frame.book)) {
      heard(from, frame.book)
    }
  }
}

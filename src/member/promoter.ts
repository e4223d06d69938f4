/**
 * Makes voters of the learners that were added to be some, once they have caught up: by whoever leads. What is to be done is
 * read from the book, so that the next leader, or this one after a restart, goes on where another one stopped.
 *
 * Always: it is the same step as when somebody asks for it, with the same checks (decide-change.ts), and nobody needs to
 * be allowed it any more: who added the member was.
 */
import { LIMITS } from '../base/limits.js'
import type { MemberRecord } from '../machine/member-book.js'
import type { RawNode } from '../raft/raw-node.js'
import type { NodeId } from '../raft/types.js'

export interface PromoterParts {
  readonly raft: Pick<RawNode, 'role' | 'configuration'>
  /** By the log. */
  readonly book: { readonly members: readonly MemberRecord[] }
  readonly promoteCaughtUp: (id: NodeId) => void
}

export class Promoter {
  readonly #parts: PromoterParts
  #lookMs = 0

  constructor(parts: PromoterParts) {
    this.#parts = parts
  }

  turn(nowMs: number): void {
    if (nowMs < this.#lookMs) return
    const waiting = this.#waiting()
    if (waiting.length === 0) return
    this.#lookMs = nowMs + LIMITS.memberChangeLookMs
    // One at a time: the next one is decided when this one is applied.
    for (const id of waiting) this.#parts.promoteCaughtUp(id)
  }

  nextDeadlineMs(): number {
    return this.#waiting().length === 0 ? Infinity : this.#lookMs
  }

  #waiting(): readonly NodeId[] {
    const { raft, book } = this.#parts
    if (raft.role !== 'leader' || raft.configuration.learners.length === 0) return []
    const { learners } = raft.configuration
    return book.members
      .filter(({ id, becomesVoter }) => becomesVoter === true && learners.includes(id))
      .map(({ id }) => id)
  }
}

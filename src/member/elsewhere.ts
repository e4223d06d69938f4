/**
 * Where a member has nobody to ask any more among those that it knows, since all of them were replaced while it was away, or
 * since all that it had of their changes is damaged: the addresses that it was opened with, to join by or as those of the first
 * members. At one of the latter there may be a member with another id by now. Whoever is there tells who the members are.
 *
 * Always: one asking at a time; it ends with the member. As with what peers tell (book-exchange.ts), only whom the transport
 * speaks to changes.
 */
import { isStoreError } from '../base/errors.js'
import type { Logger } from '../base/logger.js'
import type { RawNode } from '../raft/raw-node.js'
import { NOBODY } from '../raft/types.js'
import type { AddressBook } from './address-book.js'
import type { MemberOptions } from './member-options.js'

export interface ElsewhereParts {
  /** Undefined where it was not opened with such addresses. */
  readonly whoElse: MemberOptions['whoElse']
  readonly book: AddressBook
  readonly raft: Pick<RawNode, 'leader'>
  readonly logger: Logger
  /** There are other peers than before. */
  readonly heard: () => void
}

export class Elsewhere {
  readonly #parts: ElsewhereParts
  readonly #stopped = new AbortController()
  #asking = false

  constructor(parts: ElsewhereParts) {
    this.#parts = parts
  }

  /** Does nothing while an answer is waited for. */
  ask(): void {
    if (this.#asking || this.#stopped.signal.aborted) return
    this.#asking = true
    void this.#ask().finally(() => {
      this.#asking = false
    })
  }

  stop(): void {
    this.#stopped.abort()
  }

  async #ask(): Promise<void> {
    const { whoElse, book, raft, logger, heard } = this.#parts
    const { signal } = this.#stopped
    try {
      const members = await whoElse?.(signal)
      if (members === undefined || signal.aborted || raft.leader !== NOBODY) return
      // Of which change is not said. It counts until this member has applied one, and is asked for again if that does not do.
      if (book.hear(book.index + 1, { members, removed: book.removed })) heard()
    } catch (error) {
      if (!isStoreError(error)) throw error
      if (!signal.aborted)
        logger.warn('no member is found, neither among those known nor at the addresses it was opened with', {
          reason: error.message,
        })
    }
  }
}

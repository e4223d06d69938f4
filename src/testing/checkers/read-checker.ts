/** Linearizable reads: R16 a read index is at least everything that was committed anywhere when it was asked for. */
import type { Index } from '../../raft/types.js'
import type { LogLedger } from './log-ledger.js'
import type { MemberView } from './member-view.js'
import { fail } from './violation.js'

export class ReadChecker {
  readonly #ledger: LogLedger
  /** What was committed when each was asked, of the present life of each member. */
  readonly #asked = new Map<MemberView, Map<number, Index>>()

  constructor(ledger: LogLedger) {
    this.#ledger = ledger
  }

  recovered(view: MemberView): void {
    this.#asked.set(view, new Map())
  }

  asked(view: MemberView, requestId: number): void {
    const asked = this.#asked.get(view)
    if (asked?.has(requestId) === true) fail('R16', `${view.name} asks twice under the id ${requestId}`)
    asked?.set(requestId, this.#ledger.committedIndex)
  }

  confirmed(view: MemberView, requestId: number, index: Index): void {
    const asked = this.#asked.get(view)
    const floor = asked?.get(requestId)
    if (floor === undefined) {
      fail('R16', `read ${requestId} of ${view.name} is confirmed, and was not asked or was answered before`)
    }
    asked?.delete(requestId)
    if (index < floor) {
      fail(
        'R16',
        `read ${requestId} of ${view.name} is confirmed at ${index}, ${floor} was committed before it was asked`,
      )
    }
  }

  dropped(view: MemberView, requestId: number): void {
    this.#asked.get(view)?.delete(requestId)
  }
}

/** R23: what waits in a member is bounded (limits.ts). */
import { LIMITS } from '../../base/limits.js'
import type { Waiting } from '../../member/event.js'
import type { MemberView } from './member-view.js'
import { fail } from './violation.js'

/** The options of the members that bound what they hold. */
export interface Bounds {
  readonly stateBufferBytesMax: number
  readonly logRetainBytes: number
}

export class BoundsChecker {
  readonly #max: Waiting

  constructor({ stateBufferBytesMax, logRetainBytes }: Bounds) {
    const { pendingProposalsMax, pendingProposalBytesMax, pendingReadsMax, requestBytesMax } = LIMITS
    const { uncommittedBytesMax, unappliedBytesMax, appendBytesMax, applyBatchBytesMax } = LIMITS
    const appliedLogBytes = 1.25 * logRetainBytes + 4 * stateBufferBytesMax + 2 * applyBatchBytesMax
    this.#max = {
      proposals: pendingProposalsMax,
      proposalBytes: pendingProposalBytesMax + requestBytesMax,
      reads: pendingReadsMax,
      calls: pendingReadsMax,
      forwardedBytes: uncommittedBytesMax,
      // Besides what is applied (below): what waits for that (backlog.ts), the last message of it, and what a leader has
      // uncommitted, which may all be committed at once.
      logBytes: appliedLogBytes + unappliedBytesMax + appendBytesMax + requestBytesMax + uncommittedBytesMax,
      // What is kept, a quarter more that is not worth a trim, what lies behind the state on disk and behind that write.
      appliedLogBytes,
      // One batch is applied whole, and a command may change more than it is long.
      stagedBytes: stateBufferBytesMax + 8 * applyBatchBytesMax,
      watches: LIMITS.watchesMax,
      // One batch of any size may come on top, and one for each consumer that waits, who takes it at once.
      watchBufferBytes: LIMITS.watchBuffersBytesMax + 64 * LIMITS.requestBytesMax,
    }
  }

  check(view: MemberView, waiting: Waiting): void {
    const max = this.#max
    // One after the other, without a loop over names: this runs after every turn of every member.
    if (waiting.proposals > max.proposals) this.#fail(view, waiting, 'proposals')
    if (waiting.proposalBytes > max.proposalBytes) this.#fail(view, waiting, 'proposalBytes')
    if (waiting.reads > max.reads) this.#fail(view, waiting, 'reads')
    if (waiting.calls > max.calls) this.#fail(view, waiting, 'calls')
    if (waiting.forwardedBytes > max.forwardedBytes) this.#fail(view, waiting, 'forwardedBytes')
    if (waiting.logBytes > max.logBytes) this.#fail(view, waiting, 'logBytes')
    if (waiting.appliedLogBytes > max.appliedLogBytes) this.#fail(view, waiting, 'appliedLogBytes')
    if (waiting.stagedBytes > max.stagedBytes) this.#fail(view, waiting, 'stagedBytes')
    if (waiting.watchBufferBytes > max.watchBufferBytes) this.#fail(view, waiting, 'watchBufferBytes')
    if (waiting.watches > max.watches) this.#fail(view, waiting, 'watches')
  }

  #fail(view: MemberView, waiting: Waiting, what: keyof Waiting): never {
    fail('R23', `${waiting[what]} ${what} wait in ${view.name}, at most ${this.#max[what]} may`)
  }
}

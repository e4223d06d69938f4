/**
 * Whether this member has lived more often than its disk knows.
 *
 * Each open has an incarnation of its own, above all before and recorded before anything is proposed under it. So a proposal
 * of this member that is neither of this life nor of one that the disk knows was made from a later version of the directory:
 * what is here is an older copy of it, or an empty one under the name of a member that was started before. The votes and
 * acknowledgements given since are forgotten, and nothing on the disk itself could tell (docs/DISK-FAULTS.md).
 *
 * A copy made in the middle of the last life that it knows goes unnoticed: proposals of that life may come late.
 */
import type { ProposalId } from '../machine/command.js'
import type { NodeId } from '../raft/types.js'
import type { Storage } from '../storage/storage.js'

export class PastLives {
  readonly #memberId: NodeId
  readonly #storage: Pick<Storage, 'incarnation' | 'incarnationBefore'>
  /** Where nothing outlives the process, or promises are lost already, there is nothing to be found out. */
  readonly #watching: boolean
  readonly #forgotten: (what: string) => void
  #found = false

  constructor(memberId: NodeId, storage: Storage, forgotten: (what: string) => void) {
    this.#memberId = memberId
    this.#storage = storage
    this.#watching = storage.permanent && storage.promises === 'kept'
    this.#forgotten = forgotten
  }

  /** A life was found of which this disk knows nothing: the member is about to end. */
  get found(): boolean {
    return this.#found
  }

  /** A proposal was applied, or is the latest of its member in a state that was received. */
  see({ member, incarnation }: Pick<ProposalId, 'member' | 'incarnation'>): void {
    if (!this.#watching || this.#found || member !== this.#memberId) return
    const { incarnationBefore } = this.#storage
    if (incarnation <= incarnationBefore || incarnation === this.#storage.incarnation) return
    this.#found = true
    this.#forgotten(
      incarnationBefore === 0
        ? 'it is new, but this member was started before: its directory was removed or replaced'
        : 'it is an older copy: this member was started again since it was made',
    )
  }
}

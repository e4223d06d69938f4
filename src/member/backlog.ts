/**
 * What is committed and not applied yet, and how much of it there may be. Applying stands still while the state's disk, or
 * the log's, does not keep up (persistence.ts); without a limit the log in memory would grow for as long as that lasts.
 *
 * Beyond it a leader takes no proposals, so that they wait with whoever made them, who has limits too; and a follower takes
 * no further entries: as if they had been lost on the way. What it still has not got, the leader sends when it asks.
 *
 * Always: only what this disk alone holds up is counted, the committed. Entries that wait for a commit could be waiting for
 * the very append that is refused. Always: an append that ends within what is here passes, with whatever it repeats or
 * replaces.
 */
import type { Machine } from '../machine/machine.js'
import type { Message } from '../raft/message.js'
import type { RawNode } from '../raft/raw-node.js'

export class Backlog {
  readonly #raft: Pick<RawNode, 'commitIndex' | 'lastIndex' | 'logBytesBetween'>
  readonly #machine: Pick<Machine, 'appliedIndex'>
  readonly #drawBytesMax: () => number
  #bytesMax = 0
  /** The applied position for which that was drawn. */
  #drawnFor = -1

  /** `bytesMax` is asked anew once more is applied: until then what was refused stays refused. */
  constructor(
    raft: Pick<RawNode, 'commitIndex' | 'lastIndex' | 'logBytesBetween'>,
    machine: Pick<Machine, 'appliedIndex'>,
    bytesMax: () => number,
  ) {
    this.#raft = raft
    this.#machine = machine
    this.#drawBytesMax = bytesMax
  }

  get full(): boolean {
    const { appliedIndex } = this.#machine
    const { commitIndex } = this.#raft
    if (commitIndex <= appliedIndex) return false
    if (this.#drawnFor !== appliedIndex) {
      this.#drawnFor = appliedIndex
      this.#bytesMax = this.#drawBytesMax()
    }
    return this.#raft.logBytesBetween(appliedIndex, commitIndex) > this.#bytesMax
  }

  /** Whether the core may have this message. */
  admits(message: Message): boolean {
    if (message.type !== 'append' || !this.full) return true
    return message.previousIndex + message.entries.length <= this.#raft.lastIndex
  }
}

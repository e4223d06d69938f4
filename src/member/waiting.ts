/** How much waits where in a member, for whoever observes it: each of these is bounded (limits.ts). */
import type { Waiting } from './event.js'
import type { LoopParts } from './loop-parts.js'

export function waitingIn({ proposals, reads, calls, inbox, raft, machine, storage, watches }: LoopParts): Waiting {
  return {
    proposals: proposals.waiting,
    proposalBytes: proposals.waitingBytes,
    reads: reads.waiting,
    calls: calls.waiting,
    forwardedBytes: inbox.forwardedBytes,
    logBytes: raft.logBytes,
    appliedLogBytes: raft.logBytesBetween(0, machine.appliedIndex),
    stagedBytes: storage.state.stagedBytes,
    watches: watches.count,
    watchBufferBytes: watches.bufferedBytes,
  }
}

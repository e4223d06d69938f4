/**
 * Proposals: the leader appends them to its log; what becomes of them is seen when they are committed.
 *
 * Always: all or none, at consecutive indexes. A refusal means that nothing happened.
 */
import { entryBytes } from './log.js'
import type { ProposalRefusal, ProposeResult } from './ready.js'
import type { RaftState } from './state.js'
import type { Entry } from './types.js'

export function propose(state: RaftState, payloads: readonly Uint8Array[]): ProposeResult {
  if (payloads.length === 0) throw new RangeError('propose: at least one payload is needed')
  if (state.role !== 'leader') return refuse(state, 'not-leader', payloads.length)
  if (state.transfer !== undefined) return refuse(state, 'transferring', payloads.length)
  const { log, term } = state
  const index = log.lastIndex + 1
  const entries: Entry[] = []
  let bytes = 0
  for (const data of payloads) {
    const entry: Entry = { index: index + entries.length, term, kind: 'normal', data }
    entries.push(entry)
    bytes += entryBytes(entry)
  }
  // What stands alone is always taken: the limit bounds what piles up behind a quorum that does not answer, and a
  // proposal that is larger than it would otherwise never get through.
  const uncommittedBytes = log.bytesBetween(state.commitIndex + 1, log.lastIndex)
  if (uncommittedBytes > 0 && uncommittedBytes + bytes > state.settings.uncommittedBytesMax) {
    return refuse(state, 'too-much-uncommitted', payloads.length)
  }
  for (const entry of entries) log.append(entry)
  return { accepted: true, index, term }
}

function refuse(state: RaftState, reason: ProposalRefusal, count: number): ProposeResult {
  state.settings.trace?.({ type: 'proposal-refused', node: state.id, reason, count })
  return { accepted: false, reason, leader: state.leader }
}

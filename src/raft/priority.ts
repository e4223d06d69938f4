/**
 * Hints at who should lead, of whoever drives the cores: never more than a hint. An outranked voter waits one election
 * timeout longer before it campaigns, so that another wins if it can; it votes like everybody.
 */
import { otherVoters } from './electorate.js'
import type { RaftState } from './state.js'

export function isOutranked(state: RaftState): boolean {
  const { priority } = state.settings
  if (priority === undefined) return false
  const own = priority(state.id)
  return otherVoters(state).some((voter) => priority(voter) > own)
}

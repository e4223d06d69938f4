/**
 * The only writer of the commit index.
 *
 * Always: it never falls, and never passes the end of the log.
 */
import { AssertionError } from '../base/assert.js'
import { reachedByQuorum } from './electorate.js'
import { countedMatchIndex } from './progress.js'
import type { RaftState } from './state.js'
import type { Index, NodeId } from './types.js'

/** The leader counts on what this member acknowledged, and does not have: its disk forgot it without a word. */
export class ForgottenPromisesError extends AssertionError {}

/** Follower: the leader says that entries up to `index`, which we hold, are committed. */
export function commitThrough(state: RaftState, index: Index): void {
  if (index <= state.commitIndex) return
  const { lastIndex } = state.log
  if (index > lastIndex) throw new ForgottenPromisesError(lostEntries(state.id, lastIndex, index))
  state.commitIndex = index
  state.settings.trace?.({ type: 'commit-advanced', node: state.id, index })
}

/**
 * Leader: commits what is durable on a quorum; returns whether that was anything new. Our own log counts as far as it is
 * durable, which may be less than what a quorum of the others holds.
 *
 * Only entries of our own term are committed by counting (thesis 3.6.2): an older entry on a majority can still be
 * replaced by a later leader (figure 3.7). It is committed with the first entry of our own term behind it.
 */
export function commitByCounting(state: RaftState): boolean {
  const index = reachedByQuorum(state, state.log.durableIndex, (peer) => countedMatchIndex(state.followers.get(peer)))
  // Entries of our own term are exactly those from the first one on: no term needs to be looked up.
  if (index <= state.commitIndex || index < state.termStartIndex) return false
  commitThrough(state, index)
  return true
}

function lostEntries(id: NodeId, lastIndex: Index, index: Index): string {
  return (
    `the last entry of member ${id} is ${lastIndex}, and its leader knows that it acknowledged entry ${index}: ` +
    'its data directory was lost, or an older copy took its place'
  )
}

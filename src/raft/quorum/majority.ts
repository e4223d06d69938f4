/**
 * What a majority of a set of voters has done. Leaf: ids and numbers only, no state.
 *
 * Always: two majorities of one set share a voter; all of Raft's safety rests on that (thesis 3.2).
 * The empty set is a side of a joint configuration that asks for nothing: it has acknowledged everything and granted
 * every vote.
 */
import type { NodeId } from '../types.js'

export type VoteResult = 'won' | 'lost' | 'pending'

/**
 * The highest number that more than half of the voters have reached: a log index, a round, a time of contact. A voter
 * of whom nothing is known has reached 0.
 */
export function reachedByMajority(voters: readonly NodeId[], reachedBy: (voter: NodeId) => number | undefined): number {
  if (voters.length === 0) return Infinity
  const reached: number[] = []
  // Put in order as they come: voters are few, and this is asked at every message.
  for (const voter of voters) insert(reached, reachedBy(voter) ?? 0)
  // Descending, so the one in the middle has been reached by itself and by all before it: a majority, and no smaller one.
  return reached[Math.floor(voters.length / 2)] ?? 0
}

/** Into numbers that descend. */
function insert(descending: number[], value: number): void {
  let at = descending.length
  for (; at > 0 && (descending[at - 1] as number) < value; at--) descending[at] = descending[at - 1] as number
  descending[at] = value
}

/** How a vote stands: `voteOf` says yes, no, or undefined as long as there is no answer. */
export function majorityVote(voters: readonly NodeId[], voteOf: (voter: NodeId) => boolean | undefined): VoteResult {
  if (voters.length === 0) return 'won'
  let granted = 0
  let refused = 0
  for (const voter of voters) {
    const vote = voteOf(voter)
    if (vote === true) granted++
    else if (vote === false) refused++
  }
  const majority = Math.floor(voters.length / 2) + 1
  if (granted >= majority) return 'won'
  // Lost as soon as the open answers cannot make a majority any more: for an even number of voters, half of them refused.
  return voters.length - refused < majority ? 'lost' : 'pending'
}

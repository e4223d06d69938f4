/**
 * Quorums of a joint configuration: a majority of the incoming voters and a majority of the outgoing ones (thesis 4.3).
 * With one side empty, it is the majority of the other.
 */
import type { NodeId } from '../types.js'
import { majorityVote, reachedByMajority, type VoteResult } from './majority.js'

export interface JointVoters {
  readonly incoming: readonly NodeId[]
  readonly outgoing: readonly NodeId[]
}

/** The highest number that a majority of either side has reached. */
export function reachedByJointMajority(voters: JointVoters, reachedBy: (voter: NodeId) => number | undefined): number {
  return Math.min(reachedByMajority(voters.incoming, reachedBy), reachedByMajority(voters.outgoing, reachedBy))
}

/** Won when both sides are won, lost as soon as one is lost. */
export function jointVote(voters: JointVoters, voteOf: (voter: NodeId) => boolean | undefined): VoteResult {
  const incoming = majorityVote(voters.incoming, voteOf)
  const outgoing = majorityVote(voters.outgoing, voteOf)
  if (incoming === 'lost' || outgoing === 'lost') return 'lost'
  return incoming === 'won' && outgoing === 'won' ? 'won' : 'pending'
}

/**
 * The questions asked of the configuration: who belongs to it, and what a quorum of it has done. The one place that knows
 * what a configuration looks like inside; joint configurations and learners change this file, not its callers.
 */
import { jointVote, reachedByJointMajority, type JointVoters } from './quorum/joint.js'
import type { VoteResult } from './quorum/majority.js'
import type { RaftState } from './state.js'
import type { Configuration, NodeId } from './types.js'

/** Whether it takes part at all: messages of others are not heard. */
export function isMember(state: RaftState, id: NodeId): boolean {
  return state.configuration.voters.includes(id)
}

/** Whether it may campaign and is counted. */
export function isVoter(state: RaftState, id: NodeId): boolean {
  return state.configuration.voters.includes(id)
}

/** Whether this member alone is a quorum. */
export function isSoleVoter(state: RaftState): boolean {
  return state.configuration.voters.length === 1 && isVoter(state, state.id)
}

/** Everybody else that takes part. */
export function peersOf(state: RaftState): NodeId[] {
  return state.configuration.voters.filter((voter) => voter !== state.id)
}

/** The highest number that a quorum has reached, where we have reached `own`. */
export function reachedByQuorum(
  state: RaftState,
  own: number,
  reachedBy: (peer: NodeId) => number | undefined,
): number {
  return reachedByJointMajority(votersOf(state.configuration), (voter) => (voter === state.id ? own : reachedBy(voter)))
}

/** How our campaign stands. */
export function voteResult(state: RaftState): VoteResult {
  return jointVote(votersOf(state.configuration), (voter) => state.votes.get(voter))
}

function votersOf(configuration: Configuration): JointVoters {
  return { incoming: configuration.voters, outgoing: NO_VOTERS }
}

const NO_VOTERS: readonly NodeId[] = []

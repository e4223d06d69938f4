/**
 * The questions asked of the configuration: who belongs to it, and what a quorum of it has done. The one place that knows
 * what a configuration looks like inside.
 *
 * Always (R15): what is counted is the voters of the configuration in force, of both sides of a joint one; who is no voter,
 * learner, removed, or the leader itself, adds nothing to any quorum.
 */
import { jointVote, reachedByJointMajority, type JointVoters } from './quorum/joint.js'
import { membersOf, type CompleteConfiguration } from './configuration.js'
import type { VoteResult } from './quorum/majority.js'
import type { RaftState } from './state.js'
import type { NodeId } from './types.js'

/** Whether it takes part at all. */
export function isMember(state: RaftState, id: NodeId): boolean {
  return isVoter(state, id) || state.configuration.learners.includes(id)
}

/** Whether it is counted. */
export function isVoter(state: RaftState, id: NodeId): boolean {
  const { voters, outgoing } = state.configuration
  return voters.includes(id) || outgoing.includes(id)
}

/**
 * Whether it is for us to campaign: as a voter, or as one whose own removal is not known to be committed. That one may be
 * the only one whose log is up to date enough to be elected (thesis 4.2.2); its own vote is not counted, and it steps
 * down as soon as the removal is committed. Found again by simulation: leaving {5} && {1, 2}, appended on 1 only.
 */
export function mayCampaign(state: RaftState): boolean {
  if (isVoter(state, state.id)) return true
  const { configurations, commitIndex, id } = state
  const { index } = configurations.current
  if (index <= commitIndex) return false
  const { voters, outgoing } = configurations.at(index - 1)
  return voters.includes(id) || outgoing.includes(id)
}

/** Whether this member alone is a quorum. */
export function isSoleVoter(state: RaftState): boolean {
  return isSoleVoterOf(state.configuration, state.id)
}

export function isSoleVoterOf({ voters, outgoing }: CompleteConfiguration, id: NodeId): boolean {
  return outgoing.length === 0 && voters.length === 1 && voters[0] === id
}

/** Everybody else that takes part. */
export function peersOf(state: RaftState): NodeId[] {
  return membersOf(state.configuration).filter((member) => member !== state.id)
}

/** Everybody else that is counted. */
export function otherVoters(state: RaftState): NodeId[] {
  return peersOf(state).filter((peer) => isVoter(state, peer))
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

function votersOf({ voters, outgoing }: CompleteConfiguration): JointVoters {
  return { incoming: voters, outgoing }
}

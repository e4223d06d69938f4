/** A view of the core for people and for tools: a copy, taken when asked for. */
import type { FollowerStatus, Status } from './ready.js'
import { isRecovering } from './progress.js'
import type { RaftState } from './state.js'
import { NOBODY } from './types.js'

export function statusOf(state: RaftState): Status {
  const { log } = state
  const followers: FollowerStatus[] = []
  for (const follower of state.followers.values()) {
    const { id, state: progress, matchIndex, nextIndex, lastContactMs } = follower
    followers.push({ id, state: progress, matchIndex, nextIndex, lastContactMs, recovering: isRecovering(follower) })
  }
  return {
    id: state.id,
    role: state.role,
    term: state.term,
    vote: state.vote,
    leader: state.leader,
    firstIndex: log.firstIndex,
    lastIndex: log.lastIndex,
    durableIndex: log.durableIndex,
    commitIndex: state.commitIndex,
    voters: state.configuration.voters,
    outgoing: state.configuration.outgoing,
    learners: state.configuration.learners,
    configurationIndex: state.configurations.current.index,
    transferringTo: state.transfer?.to ?? NOBODY,
    promises: state.promises,
    followers,
  }
}

/**
 * Changes of role: the only writers of `role`, `term` and `leader`.
 *
 *                    timer              a quorum would vote           a quorum votes
 *     follower  ------------>  pre-candidate  ------------>  candidate  ------------>  leader
 *         ^                          |                           |                        |
 *         +--------------------------+---------------------------+------------------------+
 *              a higher term, a leader of this term, an election lost; for a leader also: no quorum heard
 *
 * Always: the term never falls; a new term begins without a vote.
 * Always: whoever loses its leader, or its leadership, tells its own waiting readers so (thesis 6.4): an answer that
 * comes later belongs to nobody.
 */
import { assert } from '../base/assert.js'
import { below } from '../base/random.js'
import { syncFollowers } from './followers.js'
import { discardHeld, hardStateIsDurable } from './outbox.js'
import { isOutranked } from './priority.js'
import type { RaftState } from './state.js'
import { NOBODY, type NodeId, type Term } from './types.js'

export function becomeFollower(state: RaftState, term: Term, leader: NodeId): void {
  assert(term >= state.term, () => `member ${state.id}: term falls from ${state.term} to ${term}`)
  // A timer that was not running starts now. One that runs goes on: being told of a term is no sign of a leader, and a
  // member with a stale log that raises terms again and again must not keep the others from campaigning.
  const timerStarts = state.role === 'leader'
  leaveRole(state)
  if (term > state.term) enterTerm(state, term)
  state.role = 'follower'
  changeLeader(state, leader)
  if (timerStarts) restartElectionTimer(state)
  state.settings.trace?.({ type: 'became-follower', node: state.id, term, leader })
}

/** Asks first, in the term it has: nothing changes for anybody if the answer is no (thesis 9.6). */
export function becomePreCandidate(state: RaftState): void {
  assert(state.role !== 'leader', () => `member ${state.id}: a leader does not campaign`)
  leaveRole(state)
  state.role = 'pre-candidate'
  changeLeader(state, NOBODY)
  restartElectionTimer(state)
  state.settings.trace?.({ type: 'became-pre-candidate', node: state.id, term: state.term })
}

/** Votes for itself; the vote counts when it is durable (output.ts), like anybody else's. */
export function becomeCandidate(state: RaftState): void {
  assert(state.role !== 'leader', () => `member ${state.id}: a leader does not campaign`)
  leaveRole(state)
  enterTerm(state, state.term + 1)
  state.vote = state.id
  state.role = 'candidate'
  changeLeader(state, NOBODY)
  restartElectionTimer(state)
  state.settings.trace?.({ type: 'became-candidate', node: state.id, term: state.term })
}

/**
 * Appends an empty entry of the new term: with it everything before is committed, and until it is, no read can be
 * answered, since older leaders may have committed more than we know of (thesis 6.4).
 */
export function becomeLeader(state: RaftState): void {
  assert(state.role === 'candidate', () => `member ${state.id}: a ${state.role} cannot become leader`)
  assert(
    hardStateIsDurable(state) && state.vote === state.id,
    () => `member ${state.id}: elected in term ${state.term} on a vote that is not durable`,
  )
  leaveRole(state)
  const { settings, log, nowMs } = state
  state.role = 'leader'
  changeLeader(state, state.id)
  syncFollowers(state, state.configuration, state.id, { ...settings, nextIndex: log.lastIndex + 1 })
  state.heartbeatDeadlineMs = nowMs + settings.heartbeatIntervalMs
  state.quorumDeadlineMs = nowMs + settings.electionTimeoutMs
  state.termStartIndex = log.lastIndex + 1
  log.append({ index: log.lastIndex + 1, term: state.term, kind: 'noop', data: NO_DATA })
  settings.trace?.({ type: 'became-leader', node: state.id, term: state.term, lastIndex: log.lastIndex })
}

/** A sign of life of the leader of this term. */
export function hearLeader(state: RaftState, leader: NodeId): void {
  assert(
    state.role !== 'leader' && (state.leader === NOBODY || state.leader === leader),
    () => `two leaders in term ${state.term}: ${state.role === 'leader' ? state.id : state.leader} and ${leader}`,
  )
  if (state.role !== 'follower') becomeFollower(state, state.term, leader)
  else if (state.leader !== leader) changeLeader(state, leader)
  state.leaderHeardMs = state.nowMs
  state.electionTimerStartMs = state.nowMs
}

/** Draws a new timeout too: members that once chose alike must not do so again (thesis 3.4). */
export function restartElectionTimer(state: RaftState): void {
  const { electionTimeoutMs, random } = state.settings
  state.electionTimerStartMs = state.nowMs
  state.electionTimeoutDrawnMs = electionTimeoutMs + below(random, electionTimeoutMs)
  if (isOutranked(state)) state.electionTimeoutDrawnMs += electionTimeoutMs
}

export function electionDeadlineMs(state: RaftState): number {
  return state.electionTimerStartMs + state.electionTimeoutDrawnMs
}

function enterTerm(state: RaftState, term: Term): void {
  state.term = term
  state.vote = NOBODY
  state.establishedIndex = 0
  state.acceptanceDue = false
  discardHeld(state)
  // The same leader in a new term answers nothing that it was asked in the old one.
  abandonReads(state)
}

function leaveRole(state: RaftState): void {
  state.votes.clear()
  state.followers.clear()
  state.heartbeatDeadlineMs = Infinity
  state.quorumDeadlineMs = Infinity
  state.transfer = undefined
  if (state.role === 'leader') abandonReads(state)
}

function changeLeader(state: RaftState, leader: NodeId): void {
  if (leader === state.leader) return
  abandonReads(state)
  state.leader = leader
  state.settings.trace?.({ type: 'leader-changed', node: state.id, term: state.term, leader })
}

/** Our own requests are reported as dropped; those of others are forgotten: whoever asked notices by itself. */
function abandonReads(state: RaftState): void {
  const { reads, droppedReads } = state
  const before = droppedReads.length
  for (const { requestId } of reads.asked.values()) droppedReads.push(requestId)
  for (const { requests } of reads.rounds) {
    for (const request of requests) if (request.from === state.id) droppedReads.push(request.requestId)
  }
  for (const request of reads.waiting) if (request.from === state.id) droppedReads.push(request.requestId)
  reads.asked.clear()
  reads.rounds.length = 0
  reads.waiting = []
  const count = droppedReads.length - before
  if (count > 0) state.settings.trace?.({ type: 'reads-dropped', node: state.id, count })
}

const NO_DATA = new Uint8Array(0)

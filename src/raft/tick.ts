/**
 * Time: what is due, and when something will be.
 *
 * Always: time is told from outside, in milliseconds of a clock that does not go back. Deadlines, not counted ticks: a
 * process that was paused finds them passed, and judges what it believed before by the time that really went by.
 */
import { reachedByQuorum } from './electorate.js'
import { campaign } from './election.js'
import { beginRound, dropLostReads } from './read-index.js'
import type { RaftState } from './state.js'
import { expireTransfer } from './transfer.js'
import { becomeFollower, electionDeadlineMs } from './transitions.js'
import { NOBODY } from './types.js'

/**
 * Takes note of the time, first thing in every call. A leader that slept through an election timeout steps down here,
 * before it acts on, or promises anything from, a belief that is as old (thesis 6.2).
 */
export function noteTime(state: RaftState, nowMs: number): void {
  state.nowMs = Math.max(state.nowMs, nowMs)
  dropLostReads(state)
  expireTransfer(state)
  if (state.role === 'leader' && state.nowMs >= state.quorumDeadlineMs) checkQuorum(state)
}

export function tick(state: RaftState): void {
  switch (state.role) {
    case 'leader':
      if (state.nowMs >= state.heartbeatDeadlineMs) beginRound(state)
      return
    case 'follower':
    case 'pre-candidate':
    case 'candidate':
      if (state.nowMs >= electionDeadlineMs(state)) campaign(state)
      return
  }
}

/** When `tick` next has something to do; always a finite number. */
export function nextDeadlineMs(state: RaftState): number {
  const deadlineMs =
    state.role === 'leader'
      ? Math.min(state.heartbeatDeadlineMs, state.quorumDeadlineMs, state.transfer?.deadlineMs ?? Infinity)
      : electionDeadlineMs(state)
  for (const { askedMs } of state.reads.asked.values()) {
    return Math.min(deadlineMs, askedMs + state.settings.electionTimeoutMs)
  }
  return deadlineMs
}

function checkQuorum(state: RaftState): void {
  const { electionTimeoutMs } = state.settings
  if (!state.settings.checkQuorum) {
    state.quorumDeadlineMs = Infinity
    return
  }
  const lastContactMs = reachedByQuorum(
    state,
    state.nowMs,
    (peer) => state.followers.get(peer)?.lastContactMs ?? -Infinity,
  )
  // The deadline itself is compared, not the time since: in fractions the two may differ by the last bit, and a deadline
  // that has come and finds nothing to do is due again at once, for ever.
  const deadlineMs = lastContactMs + electionTimeoutMs
  if (state.nowMs < deadlineMs) {
    state.quorumDeadlineMs = deadlineMs
    return
  }
  state.settings.trace?.({ type: 'quorum-lost', node: state.id, term: state.term, lastContactMs })
  becomeFollower(state, state.term, NOBODY)
}

/**
 * Linearizable reads without a log entry (thesis 6.4): the leader notes its commit index, makes sure by a round of
 * heartbeats that it still led after that, and names the index; whoever has applied it may read.
 *
 * Always: a round is begun after every request it answers has come in, and confirmed only by answers to it or to a later
 * one. So at the time of the request no later leader had been elected by that quorum, and none had committed more.
 * Always: no round answers reads before an entry of our own term is committed: until then a new leader may not know of
 * everything its predecessors committed.
 * Always: the id a request has on the wire is drawn here, starts at a random number after a restart and is never used
 * twice: an answer to an earlier try, or to an earlier life of this member, is not taken for an answer to this one
 * (etcd issue 20418).
 *
 * Requests that come in while a round is under way share the next one: reads cost two messages per follower and round
 * trip, however many there are.
 */
import { peersOf, reachedByQuorum } from './electorate.js'
import { noteRoundSent } from './lease-read.js'
import type { ReadIndexReply, ReadIndexRequest } from './message.js'
import { send } from './outbox.js'
import type { ReadRequest, RaftState } from './state.js'
import { NOBODY } from './types.js'

/** A request of our own caller. False: no leader is known. */
export function requestRead(state: RaftState, requestId: number): boolean {
  if (state.role === 'leader') {
    state.reads.waiting.push({ from: state.id, requestId })
    return true
  }
  if (state.leader === NOBODY) return false
  const wireId = state.reads.nextWireId++
  state.reads.asked.set(wireId, { requestId, askedMs: state.nowMs })
  send(state, { type: 'read-index', from: state.id, to: state.leader, term: state.term, requestId: wireId })
  return true
}

/** Leader: a follower asks. */
export function handleReadIndexRequest(state: RaftState, message: ReadIndexRequest): void {
  state.reads.waiting.push({ from: message.from, requestId: message.requestId })
}

/** Follower: the leader answers. */
export function handleReadIndexReply(state: RaftState, message: ReadIndexReply): void {
  const asked = state.reads.asked.get(message.requestId)
  if (asked === undefined) {
    const { from, term } = message
    state.settings.trace?.({
      type: 'message-ignored',
      node: state.id,
      message: message.type,
      from,
      term,
      reason: 'not-awaited',
    })
    return
  }
  state.reads.asked.delete(message.requestId)
  state.answeredReads.push({ requestId: asked.requestId, index: message.index })
}

/** Whether reads wait for a round and none is under way. */
export function readRoundIsDue(state: RaftState): boolean {
  const { waiting, rounds } = state.reads
  return waiting.length > 0 && rounds.length === 0 && ownTermIsCommitted(state)
}

/** Heartbeats to all: "I still lead", asked back from each. Answers the reads that wait, when a quorum has replied. */
export function beginRound(state: RaftState): void {
  state.round++
  noteRoundSent(state)
  state.heartbeatDeadlineMs = state.nowMs + state.settings.heartbeatIntervalMs
  const { round, reads } = state
  for (const to of peersOf(state)) {
    const matchIndex = state.followers.get(to)?.matchIndex ?? 0
    const commit = Math.min(matchIndex, state.commitIndex)
    send(state, { type: 'heartbeat', from: state.id, to, term: state.term, commit, round })
  }
  if (reads.waiting.length === 0 || !ownTermIsCommitted(state)) return
  const index = state.commitIndex
  reads.rounds.push({ round, index, requests: reads.waiting })
  state.settings.trace?.({ type: 'read-round-started', node: state.id, round, index, count: reads.waiting.length })
  reads.waiting = []
  // A cluster of one is its own quorum.
  confirmRounds(state)
}

/** Answers the requests of all rounds that a quorum has replied to. */
export function confirmRounds(state: RaftState): void {
  const { rounds } = state.reads
  if (rounds.length === 0) return
  const confirmed = reachedByQuorum(state, state.round, (peer) => state.followers.get(peer)?.roundAnswered)
  while (rounds[0] !== undefined && rounds[0].round <= confirmed) {
    const { round, index, requests } = rounds[0]
    rounds.shift()
    state.settings.trace?.({ type: 'read-round-confirmed', node: state.id, round, index, count: requests.length })
    for (const request of requests) answer(state, request, index)
  }
}

/**
 * Gives up what the leader was asked an election timeout ago: the question or the answer was lost. Reported, so that the
 * caller asks again, and so that lost requests do not pile up under a leader that stays.
 */
export function dropLostReads(state: RaftState): void {
  const { asked } = state.reads
  if (asked.size === 0) return
  const before = state.droppedReads.length
  for (const [wireId, { requestId, askedMs }] of asked) {
    if (state.nowMs < askedMs + state.settings.electionTimeoutMs) break
    asked.delete(wireId)
    state.droppedReads.push(requestId)
  }
  const count = state.droppedReads.length - before
  if (count > 0) state.settings.trace?.({ type: 'reads-dropped', node: state.id, count })
}

function answer(state: RaftState, request: ReadRequest, index: number): void {
  const { from: to, requestId } = request
  if (to === state.id) state.answeredReads.push({ requestId, index })
  else send(state, { type: 'read-index-reply', from: state.id, to, term: state.term, requestId, index })
}

/** Whether all that earlier leaders committed is known to be committed. */
export function ownTermIsCommitted(state: RaftState): boolean {
  return state.commitIndex >= state.termStartIndex
}

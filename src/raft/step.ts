/**
 * A message comes in: the rules of terms first, the same for all kinds, then each kind to whoever handles it.
 *
 * Always: a higher term makes us a follower in it, except where the message only asks about a term (pre-vote) or is a
 * vote that we do not even hear (election.ts).
 * Always: a leader or candidate of an older term is answered in ours, so that it steps down. Otherwise a member that is
 * ahead in terms but hears a leader that is behind would neither follow it nor depose it (etcd issue 8501).
 */
import { assertNever } from '../base/assert.js'
import { handleAppend, handleHeartbeat } from './append.js'
import { isMember } from './electorate.js'
import {
  disregardsVote,
  handlePreVote,
  handlePreVoteReply,
  handleTimeoutNow,
  handleVote,
  handleVoteReply,
} from './election.js'
import type { AppendAccepted, AppendRejected, HeartbeatReply, Message, Snapshot } from './message.js'
import { send } from './outbox.js'
import { handleRecovered, handleRecovering, isOfEarlierLife } from './promises.js'
import { confirmRounds, handleReadIndexReply, handleReadIndexRequest } from './read-index.js'
import { handleAppendAccepted, handleAppendRejected, handleHeartbeatReply } from './replicate.js'
import { handleSnapshot, refuseSnapshot } from './snapshot-restore.js'
import type { RaftState } from './state.js'
import type { IgnoreReason } from './trace.js'
import { becomeFollower } from './transitions.js'
import { NOBODY } from './types.js'

export function step(state: RaftState, message: Message | Snapshot): void {
  if (message.to !== state.id) {
    ignore(state, message, 'not-for-us')
    return
  }
  if (message.from === state.id || !isHeard(state, message)) {
    ignore(state, message, 'unknown-sender')
    return
  }
  if (message.term > state.term && !raiseTerm(state, message)) return
  if (message.term < state.term && !answersOldTerm(message)) {
    replyToOldTerm(state, message)
    return
  }
  dispatch(state, message)
}

/**
 * Who asks for something is heard even if our configuration does not know it: ours may be older than that of the others,
 * and a member that joins knows nobody (thesis 4.1). Answers count only from those we asked, or might have: one that was
 * removed must not depose anybody by an answer in a term of its own making.
 */
function isHeard(state: RaftState, message: Message | Snapshot): boolean {
  switch (message.type) {
    case 'pre-vote':
    case 'vote':
    case 'append':
    case 'heartbeat':
    case 'timeout-now':
    case 'snapshot':
    case 'recovered':
      return true
    case 'read-index-reply':
      return isMember(state, message.from) || message.from === state.leader
    case 'pre-vote-reply':
    case 'vote-reply':
    case 'append-accepted':
    case 'append-rejected':
    case 'heartbeat-reply':
    case 'recovering':
    case 'read-index':
      return isMember(state, message.from)
    default:
      return assertNever(message, 'message')
  }
}

/** Returns whether to go on with the message. */
function raiseTerm(state: RaftState, message: Message | Snapshot): boolean {
  switch (message.type) {
    case 'pre-vote':
      return true
    case 'pre-vote-reply':
      // Granting, it names the term we asked about, which nobody is in.
      if (!message.granted) becomeFollower(state, message.term, NOBODY)
      return true
    case 'vote':
      if (disregardsVote(state, message)) return false
      becomeFollower(state, message.term, NOBODY)
      return true
    case 'append':
    case 'heartbeat':
    case 'timeout-now':
    case 'snapshot':
    case 'recovered':
      becomeFollower(state, message.term, message.from)
      return true
    case 'vote-reply':
    case 'append-accepted':
    case 'append-rejected':
    case 'heartbeat-reply':
    case 'read-index':
    case 'read-index-reply':
    case 'recovering':
      becomeFollower(state, message.term, NOBODY)
      return true
    default:
      return assertNever(message, 'message')
  }
}

/** Requests that say no by themselves when the term is over. */
function answersOldTerm(message: Message | Snapshot): boolean {
  return message.type === 'pre-vote' || message.type === 'vote'
}

function replyToOldTerm(state: RaftState, message: Message | Snapshot): void {
  if (message.type === 'append' || message.type === 'heartbeat' || message.type === 'snapshot') {
    // Any message of ours would do, it is the term that tells. This one claims nothing about logs.
    const round = message.type === 'heartbeat' ? message.round : 0
    send(state, { type: 'heartbeat-reply', from: state.id, to: message.from, term: state.term, round })
  }
  ignore(state, message, 'old-term')
}

/** Here the message is of our own term, or asks for a vote. */
function dispatch(state: RaftState, message: Message | Snapshot): void {
  switch (message.type) {
    case 'pre-vote':
      handlePreVote(state, message)
      return
    case 'pre-vote-reply':
      handlePreVoteReply(state, message)
      return
    case 'vote':
      handleVote(state, message)
      return
    case 'vote-reply':
      handleVoteReply(state, message)
      return
    case 'append':
      handleAppend(state, message)
      return
    case 'heartbeat':
      handleHeartbeat(state, message)
      return
    case 'append-accepted':
      if (isAwaited(state, message)) handleAppendAccepted(state, message)
      else ignore(state, message, 'not-awaited')
      return
    case 'append-rejected':
      if (isAwaited(state, message)) handleAppendRejected(state, message)
      else ignore(state, message, 'not-awaited')
      return
    case 'heartbeat-reply':
      if (!isAwaited(state, message)) {
        ignore(state, message, 'not-awaited')
        return
      }
      handleHeartbeatReply(state, message)
      confirmRounds(state)
      return
    case 'snapshot':
      handleSnapshot(state, message)
      return
    case 'recovering':
      if (state.role === 'leader') handleRecovering(state, message)
      else ignore(state, message, 'not-awaited')
      return
    case 'recovered':
      handleRecovered(state, message)
      return
    case 'read-index':
      if (state.role === 'leader') handleReadIndexRequest(state, message)
      else ignore(state, message, 'not-awaited')
      return
    case 'read-index-reply':
      handleReadIndexReply(state, message)
      return
    case 'timeout-now':
      handleTimeoutNow(state, message)
      return
    default:
      assertNever(message, 'message')
  }
}

/** Answers are for a leader; and not of a life whose promises their sender has lost since. */
function isAwaited(state: RaftState, message: AppendAccepted | AppendRejected | HeartbeatReply): boolean {
  return state.role === 'leader' && !isOfEarlierLife(state, message)
}

function ignore(state: RaftState, message: Message | Snapshot, reason: IgnoreReason): void {
  const { type, from, term } = message
  if (type === 'snapshot') refuseSnapshot(state, message, 'not-followed')
  state.settings.trace?.({ type: 'message-ignored', node: state.id, message: type, from, term, reason })
}

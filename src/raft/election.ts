/**
 * Elections: campaigning, answering campaigns, counting votes.
 *
 * Always: at most one vote in a term, given to a log that is at least as up to date as ours (thesis 3.6.1), and durable
 * before it is told (outbox.ts).
 * Always: our own vote is counted when it is durable, by output.ts: a cluster of one must not act on less than others.
 * Always: every pre-vote that is not given gets an answer in our own term. A member whose term fell behind while its log
 * is ahead learns of the term by it, and can campaign above it; otherwise it can neither win nor let others win
 * (etcd issue 8501).
 *
 * Thesis 3.4, 4.2.3, 9.6.
 */
import { isSoleVoter, isVoter, mayCampaign, otherVoters, voteResult } from './electorate.js'
import type { PreVote, PreVoteReply, TimeoutNow, Vote, VoteReply } from './message.js'
import { hardStateIsDurable, send, sendAtOnce } from './outbox.js'
import type { RaftState } from './state.js'
import type { VoteRefusal } from './trace.js'
import {
  becomeCandidate,
  becomeFollower,
  becomeLeader,
  becomePreCandidate,
  restartElectionTimer,
} from './transitions.js'
import { NOBODY, type NodeId } from './types.js'

/** The election timer ran out. */
export function campaign(state: RaftState): void {
  if (!mayCampaign(state) || state.resigned || state.promises === 'lost') {
    // It is no candidate, and no longer follows whom it does not hear: who asks it is not to be sent there.
    if (state.leader !== NOBODY) becomeFollower(state, state.term, NOBODY)
    restartElectionTimer(state)
    return
  }
  if (!hardStateIsDurable(state)) {
    // A further term would have to be written behind this one. On a disk that takes longer than a timeout that would
    // go on for ever, even in a cluster of one: each term replaced before it is durable.
    state.settings.trace?.({ type: 'campaign-postponed', node: state.id, term: state.term })
    restartElectionTimer(state)
    return
  }
  if (!state.settings.preVote || isSoleVoter(state)) {
    campaignForVotes(state)
    return
  }
  becomePreCandidate(state)
  const { log, id, term } = state
  for (const to of otherVoters(state)) {
    sendAtOnce(state, {
      type: 'pre-vote',
      from: id,
      to,
      term: term + 1,
      lastIndex: log.lastIndex,
      lastTerm: log.lastTerm,
    })
  }
  countVote(state, id, true)
}

/** Somebody asks whether we would vote for it in `message.term`. We promise nothing, and nothing changes. */
export function handlePreVote(state: RaftState, message: PreVote): void {
  const refusal = reasonAgainst(state, message)
  if (refusal === undefined) {
    state.settings.trace?.({ type: 'pre-vote-granted', node: state.id, term: message.term, to: message.from })
    const { from: to, term } = message
    sendAtOnce(state, { type: 'pre-vote-reply', from: state.id, to, term, granted: true })
    return
  }
  const { from: to, term } = message
  state.settings.trace?.({ type: 'pre-vote-refused', node: state.id, term, to, reason: refusal })
  send(state, { type: 'pre-vote-reply', from: state.id, to, term: state.term, granted: false })
}

/**
 * Whether a request for a vote in a higher term is not even heard: then our term stays. A member that lost contact must
 * not depose a leader that the others hear (thesis 4.2.3); it comes back when it hears that leader, or answers it in its
 * higher term. Called before our term is raised.
 */
export function disregardsVote(state: RaftState, message: Vote): boolean {
  const reason =
    state.promises === 'lost'
      ? 'promises-lost'
      : restartedLately(state)
        ? 'restarted-lately'
        : state.settings.checkQuorum && message.forced !== true && hearsLeader(state)
          ? 'leader-is-heard'
          : undefined
  if (reason === undefined) return false
  state.settings.trace?.({ type: 'vote-refused', node: state.id, term: message.term, to: message.from, reason })
  return true
}

/** The request is of our own term, or of an older one. */
export function handleVote(state: RaftState, message: Vote): void {
  const { from: to, term } = message
  const refusal = reasonAgainst(state, message)
  if (refusal === undefined) {
    // Asking for ourselves is over: a pre-candidate that went on could depose, a moment later, the one it voted for.
    if (state.role !== 'follower') becomeFollower(state, state.term, NOBODY)
    state.vote = to
    // Only a vote that is given restarts the timer: the candidate now gets its time (thesis 3.4).
    restartElectionTimer(state)
    state.settings.trace?.({ type: 'vote-granted', node: state.id, term, to })
  } else {
    state.settings.trace?.({ type: 'vote-refused', node: state.id, term, to, reason: refusal })
  }
  send(state, { type: 'vote-reply', from: state.id, to, term: state.term, granted: refusal === undefined })
}

/**
 * The leader of our term wants us to lead: campaign at once, without asking first, and say that it was wanted. It may be
 * told to one that cannot: then that is a transfer that fails, which costs the leader a timeout and nobody anything else.
 */
export function handleTimeoutNow(state: RaftState, message: TimeoutNow): void {
  const { id, term, role, resigned, promises, leader } = state
  // Its word skips every rule that keeps the peace, so it must be the leader's, where we know who that is.
  const isTheLeaders = leader === NOBODY || message.from === leader
  const isAbleToLead = isTheLeaders && role === 'follower' && isVoter(state, id) && !resigned && promises === 'kept'
  if (!isAbleToLead || !hardStateIsDurable(state)) {
    const { type, from } = message
    state.settings.trace?.({ type: 'message-ignored', node: id, message: type, from, term, reason: 'not-awaited' })
    return
  }
  campaignForVotes(state, true)
}

export function handlePreVoteReply(state: RaftState, message: PreVoteReply): void {
  // A granting answer names the term that was asked for; one to an earlier campaign says nothing about this one.
  const awaited = message.term === (message.granted ? state.term + 1 : state.term)
  if (state.role === 'pre-candidate' && awaited) countVote(state, message.from, message.granted)
}

export function handleVoteReply(state: RaftState, message: VoteReply): void {
  if (state.role === 'candidate') countVote(state, message.from, message.granted)
}

/** Our own vote has become durable. */
export function countOwnVote(state: RaftState): void {
  if (state.role === 'candidate' && hardStateIsDurable(state) && !state.votes.has(state.id)) {
    countVote(state, state.id, true)
  }
}

function campaignForVotes(state: RaftState, forced = false): void {
  becomeCandidate(state)
  const { log, id, term } = state
  for (const to of otherVoters(state)) {
    const vote = { type: 'vote', from: id, to, term, lastIndex: log.lastIndex, lastTerm: log.lastTerm } as const
    send(state, forced ? { ...vote, forced: true } : vote)
  }
}

function countVote(state: RaftState, from: NodeId, granted: boolean): void {
  // The first answer counts: a repeated message must not change it.
  if (!state.votes.has(from)) state.votes.set(from, granted)
  const result = voteResult(state)
  switch (result) {
    case 'pending':
      return
    case 'won':
      if (state.role === 'pre-candidate') campaignForVotes(state)
      else becomeLeader(state)
      return
    case 'lost':
      // The timer goes on: after a while, again.
      state.settings.trace?.({ type: 'election-lost', node: state.id, term: state.term })
      becomeFollower(state, state.term, NOBODY)
      return
  }
}

/** Why not to vote for the sender, or undefined. The same for a vote and for the question whether we would vote. */
function reasonAgainst(state: RaftState, message: PreVote | Vote): VoteRefusal | undefined {
  if (message.term < state.term) return 'old-term'
  if (state.promises === 'lost') return 'promises-lost'
  if (restartedLately(state)) return 'restarted-lately'
  if (leaderKeepsUsStill(state, message) && hearsLeader(state)) return 'leader-is-heard'
  if (message.term === state.term) {
    const free = state.vote === NOBODY && state.leader === NOBODY
    if (!free && state.vote !== message.from) return 'voted-already'
  }
  const { lastTerm, lastIndex } = state.log
  const upToDate = message.lastTerm > lastTerm || (message.lastTerm === lastTerm && message.lastIndex >= lastIndex)
  return upToDate ? undefined : 'log-is-behind'
}

/**
 * A vote of our own term as well: some other message may have raised it since we heard the leader, and leader leases rest
 * on it that whoever hears one keeps still (lease-read.ts). But for whom a leader told to campaign: that leader has no
 * lease any more (transfer.ts), and one of an earlier term lost its own when this one was elected.
 */
function leaderKeepsUsStill({ settings }: RaftState, message: PreVote | Vote): boolean {
  return message.type === 'pre-vote' || (settings.checkQuorum && message.forced !== true)
}

/** By real time, not by messages counted: a process that was paused has heard nobody. */
function hearsLeader(state: RaftState): boolean {
  if (state.role === 'leader') return true
  // Whether or not we know of a later term by now.
  return state.nowMs - state.leaderHeardMs < state.settings.electionTimeoutMs
}

function restartedLately(state: RaftState): boolean {
  return state.nowMs < state.grantsVotesFromMs
}

/**
 * Handing leadership over (thesis 3.10): the leader brings one voter up to date, taking no proposals meanwhile, and tells
 * it to campaign at once.
 *
 * Always: it ends: with another leader, or an election timeout after it began, when proposals are taken again (hashicorp
 * issues 493, 487, 581). The word to campaign is repeated with each round of heartbeats, so that losing one costs little.
 * Always: only who has a vote and our whole log is told, so it knows of its own promotion (tikv issue 4045).
 * Always: once somebody has been told to campaign, no read may rest on this term's lease, even if the transfer is given up
 * and even if the time of the lease is not over: those who are asked for votes do not wait for it.
 */
import { isVoter } from './electorate.js'
import { send } from './outbox.js'
import { countedMatchIndex } from './progress.js'
import type { RaftState } from './state.js'
import type { TransferRefusal, TransferResult } from './transfer-result.js'
import { becomeFollower } from './transitions.js'
import { NOBODY, type NodeId } from './types.js'

export function transferLeadership(state: RaftState, to: NodeId | 'best'): TransferResult {
  if (state.role !== 'leader') return refuse(state, 'not-leader')
  if (to === state.id) return refuse(state, 'already-leader')
  if (state.transfer !== undefined) {
    const same = to === 'best' || to === state.transfer.to
    return same ? { accepted: true, to: state.transfer.to } : refuse(state, 'transferring')
  }
  const target = to === 'best' ? bestTarget(state) : to
  if (target === undefined || !isTarget(state, target)) return refuse(state, 'no-candidate')
  // It would hold up every proposal for an election timeout, and for nothing.
  if (!isHeard(state, target)) return refuse(state, 'silent')
  state.transfer = {
    to: target,
    deadlineMs: state.nowMs + state.settings.electionTimeoutMs,
    toldInRound: undefined,
  }
  state.settings.trace?.({ type: 'transfer-started', node: state.id, to: target })
  return { accepted: true, to: target }
}

/** Stops taking part in elections, and hands over what we lead. For a graceful stop: there is no way back. */
export function resign(state: RaftState): TransferResult {
  state.resigned = true
  const result = transferLeadership(state, 'best')
  if (state.role === 'pre-candidate' || state.role === 'candidate') becomeFollower(state, state.term, NOBODY)
  return result
}

/** Whether leases of this term may no longer be relied on. */
export function leaseIsForfeited(state: RaftState): boolean {
  return state.transfer !== undefined || state.toldToCampaignInTerm === state.term
}

/** Whether the target has everything and has not been told since the last round of heartbeats. */
export function tellingTargetIsDue(state: RaftState): boolean {
  const { transfer } = state
  if (transfer === undefined || transfer.toldInRound === state.round) return false
  return countedMatchIndex(state.followers.get(transfer.to)) === state.log.lastIndex
}

export function tellTarget(state: RaftState): void {
  const { transfer } = state
  if (transfer === undefined) return
  transfer.toldInRound = state.round
  sendTimeoutNow(state, transfer.to)
}

export function sendTimeoutNow(state: RaftState, to: NodeId): void {
  state.toldToCampaignInTerm = state.term
  send(state, { type: 'timeout-now', from: state.id, to, term: state.term })
  state.settings.trace?.({ type: 'told-to-campaign', node: state.id, to })
}

/** With the passing of time: the target did not make it. One that has resigned leaves all the same. */
export function expireTransfer(state: RaftState): void {
  const { transfer } = state
  if (transfer === undefined || state.nowMs < transfer.deadlineMs) return
  state.transfer = undefined
  state.settings.trace?.({ type: 'transfer-aborted', node: state.id, to: transfer.to })
  if (state.resigned) becomeFollower(state, state.term, NOBODY)
}

/** Of the voters that answer, the one with the longest log; among equals the one of the highest priority. */
export function bestTarget(state: RaftState): NodeId | undefined {
  const { followers, settings } = state
  let best: { readonly id: NodeId; readonly matchIndex: number; readonly priority: number } | undefined
  for (const { id, matchIndex } of followers.values()) {
    if (!isTarget(state, id) || !isHeard(state, id)) continue
    const priority = settings.priority?.(id) ?? 0
    const better =
      best === undefined ||
      matchIndex > best.matchIndex ||
      (matchIndex === best.matchIndex && (priority > best.priority || (priority === best.priority && id < best.id)))
    if (better) best = { id, matchIndex, priority }
  }
  return best?.id
}

/** Whether it could lead: a voter, not one that is about to be none, and none that we know has lost its promises. */
function isTarget(state: RaftState, id: NodeId): boolean {
  if (id === state.id || !isVoter(state, id) || !state.configuration.voters.includes(id)) return false
  return countedMatchIndex(state.followers.get(id)) !== undefined
}

/** Within an election timeout. */
function isHeard({ followers, nowMs, settings }: RaftState, id: NodeId): boolean {
  const follower = followers.get(id)
  return follower !== undefined && nowMs - follower.lastContactMs < settings.electionTimeoutMs
}

function refuse(state: RaftState, reason: TransferRefusal): TransferResult {
  state.settings.trace?.({ type: 'transfer-refused', node: state.id, reason })
  return { accepted: false, reason, leader: state.leader }
}

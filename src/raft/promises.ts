/**
 * Members that lost their promises: the disk of such a member may lack votes it gave, terms it entered and entries it
 * acknowledged. The storage found out and says so (`StoredState.promisesLost`); how much is missing, nobody knows.
 *
 * Until its promises are restored it neither votes nor campaigns, nor says that it would; and though it receives, writes
 * and reports entries like any follower, its leader counts none of it: not for commits, not for reads, not for the check
 * that a quorum is there. Everything it answers travels inside a `recovering` message, which says so and names this life
 * of the member (`recoveryId`, drawn at the start), so that answers of its earlier lives cannot be mixed up with it.
 *
 *     member                                   leader of term t
 *       |  recovering 17 { heartbeat-reply }       |
 *       | ---------------------------------------> |  first heard of 17: match 0, not counted; appends a noop, the barrier
 *       |  append                                  |
 *       | <--------------------------------------- |
 *       |  recovering 17 { append-accepted }       |
 *       | ---------------------------------------> |  match >= barrier, and the barrier is committed: counted again
 *       |  recovered 17                            |
 *       | <--------------------------------------- |
 *    promises kept, vote of t given to this leader; recorded with the next write
 *
 * Why the barrier, and not just any commit index. Let t be the leader's term, e the barrier: an entry of term t, proposed
 * after the member M lost its promises, committed by a quorum K of members that keep theirs (M is not counted).
 *
 * 1. A vote that M gave before and forgot, for C in a term T > t, elects nobody any more. C has not e: its log has not
 *    changed since it asked. To be elected it needs a quorum, which shares with K a member N that keeps its promises. N
 *    cannot have voted in T before it acknowledged e in t < T, and after it, it refuses C: C's log is behind. (C's last
 *    entry is not of a term s > t: whoever led in s was elected before M fell, by a quorum that shares a member with K;
 *    that one was in s > t before it acknowledged e in t.) So M may safely vote again in T, and it harms nobody that it
 *    follows t. The same for M's own candidacies, and for votes for those that are still on their way.
 *    A commit index that was known when M asked would not do: C may have everything up to there, and be elected with
 *    M's forgotten vote after M's new acknowledgement has committed more in t.
 * 2. Votes in t itself: M gives what may be its second to the leader of t, which has won it already. Votes in terms
 *    before t, it can never give again.
 * 3. Entries that M acknowledged and lost, if they were committed, are in front of e: in term t because e was proposed
 *    later; of earlier terms because the leader of t has them (thesis 3.6.3, and M has elected nobody meanwhile); of later
 *    terms there are none, as in 1. M's log is the leader's up to e, and durable: so it has them again. Until then they
 *    are safe: every quorum without M shares a member with the one that committed them. When their leader counts makes no
 *    difference: it may hear of M's acknowledgement, or of the others that it waits for, after M fell.
 *
 * Changes of the membership take nothing from this. Where C goes by the configuration of t at e, or by the one before or
 * after it, their quorums share N as above. Where C is further behind, the change f right after C's configuration was
 * committed before the next could be proposed, by a quorum that shares a member with every one that could elect C; if that
 * one is M, it had f when it voted in T, or its acknowledgement of f came after an earlier recovery, and C's log lacks f.
 *
 * It takes a quorum that keeps its promises to recover, and with less there is no telling what was committed. A cluster
 * of one that lost them stays without a leader; to give up what is lost is for its operator to decide.
 *
 * Always: a restored promise is recorded with the next write, together with the term and the vote it rests on; a crash
 * before only starts this anew.
 */
import { assert } from '../base/assert.js'
import { commitByCounting } from './commit.js'
import type { AppendAccepted, AppendRejected, HeartbeatReply, Recovered, Recovering } from './message.js'
import { send } from './outbox.js'
import { becomeProbe, isRecovering, type Progress } from './progress.js'
import { handleAppendAccepted, handleAppendRejected, handleHeartbeatReply } from './replicate.js'
import type { RaftState } from './state.js'
import { NOBODY } from './types.js'

/** Leader: an answer that may guide what is sent, and counts for nothing. */
export function handleRecovering(state: RaftState, message: Recovering): void {
  const follower = state.followers.get(message.from)
  if (follower === undefined) return
  const { recoveryId, answer } = message
  if (follower.recoveredId === recoveryId) {
    // It was told, but goes on: that was lost. Other answers may only have been overtaken.
    if (answer.type === 'heartbeat-reply') sendRecovered(state, follower)
    return
  }
  if (follower.recoveryId !== recoveryId) beginRecovery(state, follower, recoveryId)
  switch (answer.type) {
    case 'append-accepted':
      handleAppendAccepted(state, answer)
      break
    case 'append-rejected':
      handleAppendRejected(state, answer)
      break
    case 'heartbeat-reply':
      handleHeartbeatReply(state, answer)
      break
  }
  if (follower.matchIndex < follower.barrierIndex || state.commitIndex < follower.barrierIndex) return
  follower.recoveredId = recoveryId
  countAgain(state, follower)
  sendRecovered(state, follower)
}

/**
 * An answer that is not wrapped, of a follower that may be recovering. Most likely it is of a life before: the follower
 * has told us since that it lost what this rests on. But the answer to a heartbeat that left after that was said is not:
 * its sender keeps its promises again, and what we took for news was a late message of a life that is over.
 */
export function isOfEarlierLife(state: RaftState, answer: AppendAccepted | AppendRejected | HeartbeatReply): boolean {
  const follower = state.followers.get(answer.from)
  if (follower === undefined || !isRecovering(follower)) return false
  if (answer.type !== 'heartbeat-reply' || answer.round <= follower.recoveryRound) return true
  countAgain(state, follower)
  return false
}

/** Member: the leader of our term says that the barrier of this life is committed, and here. */
export function handleRecovered(state: RaftState, message: Recovered): void {
  const { recoveryId, index, from } = message
  if (state.promises === 'kept' || recoveryId !== state.recoveryId || state.leader !== from) return
  assert(
    state.restore !== undefined || index <= Math.min(state.establishedIndex, state.log.durableIndex),
    () => `member ${state.id} is said to have recovered up to ${index}, durable is ${state.log.durableIndex}`,
  )
  // Another snapshot is being written just now; we are told again.
  if (state.restore !== undefined) return
  state.promises = 'kept'
  // In this term a vote may have been forgotten; whom it elected, we know.
  if (state.vote === NOBODY) state.vote = from
  state.settings.trace?.({ type: 'promises-restored', node: state.id, term: state.term, index })
}

/** The one place where a match falls: what the member acknowledged before, it may not have. */
function beginRecovery(state: RaftState, follower: Progress, recoveryId: number): void {
  const { log } = state
  follower.recoveryId = recoveryId
  follower.recoveryRound = state.round
  follower.matchIndex = 0
  becomeProbe(follower, log.lastIndex + 1)
  log.append({ index: log.lastIndex + 1, term: state.term, kind: 'noop', data: NO_DATA })
  follower.barrierIndex = log.lastIndex
  const { id, barrierIndex } = follower
  state.settings.trace?.({ type: 'recovery-started', node: state.id, follower: id, barrierIndex })
}

/** What it acknowledged meanwhile, beyond the barrier, may be all that a commit waited for; nobody else will look again. */
function countAgain(state: RaftState, follower: Progress): void {
  follower.recoveryId = 0
  commitByCounting(state)
}

function sendRecovered(state: RaftState, follower: Progress): void {
  const { id: to, recoveredId: recoveryId, barrierIndex: index } = follower
  send(state, { type: 'recovered', from: state.id, to, term: state.term, recoveryId, index })
}

const NO_DATA = new Uint8Array(0)

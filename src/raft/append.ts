/**
 * Follower side of log replication: take in what the leader sends, or say where the logs may still agree.
 *
 * Always: an entry at or below the commit index is never removed or replaced.
 * Always: an acceptance names what is the leader's *and* durable here, and is told only under a durable term. It is built
 * when it is taken (output.ts), so that one answers all appends that arrived or became durable since the last.
 * Not here: the leader's bookkeeping (replicate.ts), terms (step.ts).
 *
 * Thesis 3.5, 3.6.
 */
import { assert, present } from '../base/assert.js'
import { commitThrough } from './commit.js'
import type { Append, Heartbeat } from './message.js'
import { adoptConfiguration, rollBackConfigurations } from './membership.js'
import { hardStateIsDurable, send } from './outbox.js'
import type { RaftState } from './state.js'
import { hearLeader } from './transitions.js'
import { NOBODY, type Entry, type Index } from './types.js'

export function handleAppend(state: RaftState, message: Append): void {
  hearLeader(state, message.from)
  const { log } = state
  const { previousIndex, previousTerm, entries } = message
  const lastTerm = entries.at(-1)?.term ?? previousTerm
  assert(lastTerm <= message.term, () => `an append of term ${message.term} holds an entry of term ${lastTerm}`)
  // What is committed is in the log of every later leader (thesis 3.6.3): only behind it can the logs differ.
  if (previousIndex > state.commitIndex && log.termAt(previousIndex) !== previousTerm) {
    reject(state, message)
    return
  }
  takeEntries(state, entries)
  const lastNew = previousIndex + entries.length
  state.establishedIndex = Math.max(state.establishedIndex, lastNew, state.commitIndex)
  // Not past what this leader is known to share with us: a commit index alone says nothing about the rest of our log.
  commitThrough(state, Math.min(message.commit, state.establishedIndex))
  // Otherwise the write that makes it durable will bring the acceptance.
  if (lastNew <= log.durableIndex) state.acceptanceDue = true
}

export function handleHeartbeat(state: RaftState, message: Heartbeat): void {
  hearLeader(state, message.from)
  // The leader names no more than we acknowledged as durable, so we hold it, even after a restart. But where that is what
  // was lost: then only what it has sent us since (promises.ts).
  commitThrough(state, state.promises === 'kept' ? message.commit : Math.min(message.commit, state.establishedIndex))
  send(state, {
    type: 'heartbeat-reply',
    from: state.id,
    to: message.from,
    term: state.term,
    round: message.round,
  })
}

/** More of our log became durable; `durableBefore` was before. */
export function noteDurable(state: RaftState, durableBefore: Index): void {
  if (state.log.durableIndex > durableBefore && state.establishedIndex > durableBefore) state.acceptanceDue = true
}

/** Not while we know of no leader, as one that asks whether it would be elected: the leader of this term may come back. */
export function acceptanceCanLeave(state: RaftState): boolean {
  return state.acceptanceDue && state.leader !== NOBODY && state.restore === undefined && hardStateIsDurable(state)
}

export function sendAcceptance(state: RaftState): void {
  state.acceptanceDue = false
  send(state, {
    type: 'append-accepted',
    from: state.id,
    to: state.leader,
    term: state.term,
    matchIndex: Math.min(state.establishedIndex, state.log.durableIndex),
  })
}

/** Appends what is new. What is here already stays as it is: an old append that arrives late must not shorten the log. */
function takeEntries(state: RaftState, entries: readonly Entry[]): void {
  const { log } = state
  let at = 0
  for (; at < entries.length; at++) {
    const entry = present(entries[at], 'entry of an append')
    if (entry.index > log.lastIndex) break
    const known = log.termAt(entry.index)
    if (known === undefined || known === entry.term) continue
    truncate(state, entry.index)
    break
  }
  for (; at < entries.length; at++) {
    const entry = present(entries[at], 'entry of an append')
    log.append(entry)
    if (entry.kind === 'configuration') adoptConfiguration(state, entry)
  }
}

function truncate(state: RaftState, from: Index): void {
  const { log } = state
  assert(
    from > state.commitIndex,
    () => `member ${state.id}: told to replace entry ${from}, committed up to ${state.commitIndex}`,
  )
  assert(
    from > state.establishedIndex,
    () => `member ${state.id}: the leader of term ${state.term} takes back its own entry ${from}`,
  )
  state.settings.trace?.({ type: 'log-truncated', node: state.id, from, lastIndex: log.lastIndex })
  log.truncate(from)
  rollBackConfigurations(state, from)
}

/**
 * The hint is our last entry before the one asked for whose term does not exceed that one's: between the two, every entry
 * of ours has a term that the leader's log, whose terms never fall either, has not reached there. So whole terms are
 * skipped at once, and the leader does the same with our answer (replicate.ts): at most one round per term that differs,
 * usually one altogether.
 */
function reject(state: RaftState, message: Append): void {
  const { log } = state
  const { from: to, previousIndex, previousTerm } = message
  const hintIndex = Math.max(
    log.lastIndexNotAboveTerm(Math.min(previousIndex - 1, log.lastIndex), previousTerm),
    state.commitIndex,
  )
  const hintTerm = present(log.termAt(hintIndex), 'term of the hint')
  state.settings.trace?.({
    type: 'append-rejected',
    node: state.id,
    previous: { index: previousIndex, term: previousTerm },
    hint: { index: hintIndex, term: hintTerm },
  })
  send(state, { type: 'append-rejected', from: state.id, to, term: state.term, previousIndex, hintIndex, hintTerm })
}

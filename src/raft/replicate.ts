/**
 * Leader side of log replication: feed the followers, count their answers.
 *
 * Appends are built when output is taken, so that everything proposed since the last time travels together. They leave
 * while our own write is under way (outbox.ts).
 *
 * What recovers a lost message, without an election and without sending anything twice that has arrived:
 *
 *     lost                          noticed by                              answered with
 *     an append, others behind it   the follower, which misses the entry    its rejection: probe from its hint
 *     the last append, a probe,     us: a heartbeat that left after it      an empty append at the same place, which the
 *     or its answer                 is answered, it is not                  follower accepts or rejects
 *
 * Empty, because most often the follower is only slow in writing: then it needs nothing, and a disk in trouble must not
 * be given the same megabytes again with every heartbeat.
 *
 * Always: one follower costs at most its window, whatever it does; a follower that is beyond help costs a heartbeat.
 */
import { assert } from '../base/assert.js'
import { commitByCounting } from './commit.js'
import type { AppendAccepted, AppendRejected, HeartbeatReply } from './message.js'
import { send } from './outbox.js'
import { becomeProbe, becomeReplicate, becomeSnapshot, isRecovering, type Progress } from './progress.js'
import { maybeRetrySnapshot, noteMatchInSnapshot, noteRejectionInSnapshot } from './snapshot-send.js'
import type { RaftState } from './state.js'
import type { Entry, Index, NodeId } from './types.js'

/** Whether {@link replicate} would send anything. */
export function hasAppendsToSend(state: RaftState): boolean {
  for (const follower of state.followers.values()) {
    if (wantsEntries(state, follower) || wantsCommit(state, follower)) return true
  }
  return false
}

/** Sends every follower what it can take. */
export function replicate(state: RaftState): void {
  for (const follower of state.followers.values()) {
    while (wantsEntries(state, follower)) sendEntries(state, follower)
    if (wantsCommit(state, follower)) sendEmpty(state, follower, follower.nextIndex - 1)
  }
}

export function handleAppendAccepted(state: RaftState, message: AppendAccepted): void {
  const follower = contacted(state, message.from)
  if (follower === undefined) return
  const { matchIndex } = message
  assert(
    matchIndex <= state.log.lastIndex,
    () => `member ${message.from} acknowledges entry ${matchIndex}, our last is ${state.log.lastIndex}`,
  )
  // Overtaken by a later one.
  if (matchIndex < follower.matchIndex) return
  const advanced = matchIndex > follower.matchIndex
  follower.matchIndex = matchIndex
  // May be overtaken by an answer to something that was sent before a probe took the next entry back.
  follower.nextIndex = Math.max(follower.nextIndex, matchIndex + 1)
  markActivity(state, follower)
  switch (follower.state) {
    case 'probe':
      startReplicate(state, follower)
      break
    case 'replicate':
      follower.inflight.freeThrough(matchIndex)
      break
    case 'snapshot':
      if (matchIndex >= state.log.compacted.index) startReplicate(state, follower)
      else noteMatchInSnapshot(follower)
      break
  }
  if (advanced) commitByCounting(state)
}

export function handleAppendRejected(state: RaftState, message: AppendRejected): void {
  const follower = contacted(state, message.from)
  if (follower === undefined) return
  switch (follower.state) {
    case 'probe':
      // Only the answer to the probe under way says where to go on from here.
      if (message.previousIndex !== follower.nextIndex - 1) return
      break
    case 'replicate':
      // It has accepted this place since.
      if (message.previousIndex <= follower.matchIndex) return
      break
    case 'snapshot':
      noteRejectionInSnapshot(state, follower)
      return
  }
  markActivity(state, follower)
  const agreed = state.log.lastIndexNotAboveTerm(
    Math.min(message.hintIndex, message.previousIndex - 1),
    message.hintTerm,
  )
  becomeProbe(follower, agreed + 1)
  state.settings.trace?.({
    type: 'progress-probe',
    node: state.id,
    follower: follower.id,
    nextIndex: follower.nextIndex,
  })
}

/** The follower lives. If what we sent it stays unanswered all the same, ask again. */
export function handleHeartbeatReply(state: RaftState, message: HeartbeatReply): void {
  const follower = contacted(state, message.from)
  if (follower === undefined) return
  if (!isRecovering(follower)) follower.roundAnswered = Math.max(follower.roundAnswered, message.round)
  if (follower.state === 'snapshot') maybeRetrySnapshot(state, follower)
  if (!isQuiet(state, follower, message.round)) return
  switch (follower.state) {
    case 'probe':
      if (follower.probeSent) askAgain(state, follower, follower.nextIndex - 1)
      return
    case 'replicate':
      if (follower.inflight.count > 0) askAgain(state, follower, follower.nextIndex - 1)
      return
    case 'snapshot':
      // It may have got there by other ways, or its acceptance was lost just before we compacted.
      askAgain(state, follower, state.log.compacted.index)
      return
  }
}

/**
 * Nothing sent and nothing answered for a heartbeat interval, and this heartbeat left after the last thing that was: on
 * a connection that keeps order, an answer to that would have come first. (On one that does not, a question too many is
 * asked.) The interval matters when reads start many rounds in a short time.
 */
function isQuiet(state: RaftState, follower: Progress, round: number): boolean {
  return round > follower.activityRound && state.nowMs - follower.activityMs >= state.settings.heartbeatIntervalMs
}

function wantsEntries(state: RaftState, follower: Progress): boolean {
  switch (follower.state) {
    case 'probe':
      // Also without entries to send: a probe asks where the logs agree.
      return !follower.probeSent
    case 'replicate':
      return follower.nextIndex <= state.log.lastIndex && !follower.inflight.full
    case 'snapshot':
      return false
  }
}

/** A follower that has everything is told of a commit at once: its readers and its applied state wait for it. */
function wantsCommit(state: RaftState, follower: Progress): boolean {
  return (
    follower.state === 'replicate' &&
    follower.commitSent < state.commitIndex &&
    follower.nextIndex > state.log.lastIndex &&
    !follower.inflight.full
  )
}

function sendEntries(state: RaftState, follower: Progress): void {
  const { log, settings } = state
  const from = follower.nextIndex
  if (from < log.firstIndex) {
    giveUpByLog(state, follower)
    return
  }
  const entries = log.slice(from, log.lastIndex, settings.appendBytesMax)
  sendAppend(state, follower, from - 1, entries)
  if (follower.state === 'probe') {
    follower.probeSent = true
    return
  }
  const last = from + entries.length - 1
  follower.nextIndex = last + 1
  follower.inflight.add(last, log.bytesBetween(from, last))
}

function askAgain(state: RaftState, follower: Progress, previousIndex: Index): void {
  state.settings.trace?.({ type: 'follower-asked-again', node: state.id, follower: follower.id, previousIndex })
  sendEmpty(state, follower, previousIndex)
}

function sendEmpty(state: RaftState, follower: Progress, previousIndex: Index): void {
  if (previousIndex < state.log.compacted.index) giveUpByLog(state, follower)
  else sendAppend(state, follower, previousIndex, NO_ENTRIES)
}

function sendAppend(state: RaftState, follower: Progress, previousIndex: Index, entries: readonly Entry[]): void {
  const previousTerm = state.log.termAt(previousIndex)
  assert(previousTerm !== undefined, () => `no term is known for entry ${previousIndex}, to be sent to ${follower.id}`)
  follower.commitSent = state.commitIndex
  markActivity(state, follower)
  send(state, {
    type: 'append',
    from: state.id,
    to: follower.id,
    term: state.term,
    previousIndex,
    previousTerm,
    commit: state.commitIndex,
    entries,
  })
}

function startReplicate(state: RaftState, follower: Progress): void {
  becomeReplicate(follower)
  const { id, nextIndex } = follower
  state.settings.trace?.({ type: 'progress-replicate', node: state.id, follower: id, nextIndex })
}

function giveUpByLog(state: RaftState, follower: Progress): void {
  becomeSnapshot(follower)
  state.settings.trace?.({
    type: 'progress-snapshot',
    node: state.id,
    follower: follower.id,
    compactedIndex: state.log.compacted.index,
  })
}

/** The follower's progress, with the contact noted; undefined for one that takes no part (any more). */
function contacted(state: RaftState, id: NodeId): Progress | undefined {
  const follower = state.followers.get(id)
  // One that is not counted is no part of a quorum: with it alone we must not go on leading.
  if (follower !== undefined && !isRecovering(follower)) follower.lastContactMs = state.nowMs
  return follower
}

function markActivity(state: RaftState, follower: Progress): void {
  follower.activityMs = state.nowMs
  follower.activityRound = state.round
}

const NO_ENTRIES: readonly Entry[] = []

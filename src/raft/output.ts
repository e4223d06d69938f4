/**
 * What the core hands out, and what a completed write sets free.
 *
 * Appends, acceptances and rounds of reads are built here and not where their cause arose: what came in between two
 * outputs leaves as one.
 */
import { assert } from '../base/assert.js'
import { acceptanceCanLeave, noteDurable, sendAcceptance } from './append.js'
import { commitByCounting } from './commit.js'
import { countOwnVote } from './election.js'
import { leaveJointNow, leavingJointIsDue, stepDownAsRemoved, steppingDownIsDue } from './membership.js'
import { hardStateIsDurable, holdForBeginningWrite, releaseHeld } from './outbox.js'
import { beginRound, readRoundIsDue } from './read-index.js'
import type { Ready, Write } from './ready.js'
import { hasAppendsToSend, replicate } from './replicate.js'
import { beginRestore, noteRestored, restoreIsDue } from './snapshot-restore.js'
import { hasSnapshotRequests, takeSnapshotRequests } from './snapshot-send.js'
import type { RaftState } from './state.js'
import { tellingTargetIsDue, tellTarget } from './transfer.js'
import type { Entry, Index } from './types.js'

export function hasReady(state: RaftState, mayApply: boolean): boolean {
  return (
    state.messages.length > 0 ||
    state.answeredReads.length > 0 ||
    state.droppedReads.length > 0 ||
    state.refusedSnapshots.length > 0 ||
    restoreIsDue(state) ||
    (mayApply && deliverableIndex(state) > state.deliveredIndex) ||
    needsWrite(state) ||
    acceptanceCanLeave(state) ||
    (state.role === 'leader' &&
      (readRoundIsDue(state) || hasAppendsToSend(state) || hasSnapshotRequests(state) || hasDuties(state)))
  )
}

export function takeReady(state: RaftState, mayApply: boolean): Ready {
  if (state.role === 'leader') {
    if (leavingJointIsDue(state)) leaveJointNow(state)
    if (readRoundIsDue(state)) beginRound(state)
    replicate(state)
    if (tellingTargetIsDue(state)) tellTarget(state)
    // Last: the others have just been told of the commit.
    if (steppingDownIsDue(state)) stepDownAsRemoved(state)
  }
  if (acceptanceCanLeave(state)) sendAcceptance(state)
  const snapshots = takeSnapshotRequests(state)
  const restore = restoreIsDue(state) ? beginRestore(state) : undefined
  const write = needsWrite(state) ? beginWrite(state) : undefined
  const committed = mayApply ? deliver(state) : NOTHING
  const { promises } = state
  const messages = handOut(state, 'messages')
  const reads = handOut(state, 'answeredReads')
  const droppedReads = handOut(state, 'droppedReads')
  const refusedSnapshots = handOut(state, 'refusedSnapshots')
  return { write, messages, committed, reads, droppedReads, restore, snapshots, refusedSnapshots, promises }
}

/** Takes a list out of the state; most are empty each time, and an empty one stays there. */
function handOut<Name extends 'messages' | 'answeredReads' | 'droppedReads' | 'refusedSnapshots'>(
  state: RaftState,
  name: Name,
): RaftState[Name] | readonly never[] {
  const list = state[name]
  if (list.length === 0) return NOTHING
  state[name] = []
  return list
}

/** The write is durable, and with it what it was told to hold. */
export function completeWrite(state: RaftState, writeId: number): void {
  const { log, write } = state
  assert(
    write !== undefined && write.id === writeId,
    () => `write ${writeId} is reported as durable, under way is ${write?.id ?? 'none'}`,
  )
  const durableBefore = log.durableIndex
  state.write = undefined
  state.durable = write.hardState
  state.durablePromises = write.promises
  log.completeWrite()
  state.settings.trace?.({
    type: 'write-durable',
    node: state.id,
    write: writeId,
    durableIndex: log.durableIndex,
  })
  noteRestored(state, writeId)
  releaseHeld(state)
  switch (state.role) {
    case 'leader':
      commitByCounting(state)
      return
    case 'candidate':
      countOwnVote(state)
      return
    case 'follower':
    case 'pre-candidate':
      noteDurable(state, durableBefore)
      return
  }
}

/** What follows from a commit or an acceptance, and is seen to when output is taken. */
function hasDuties(state: RaftState): boolean {
  return leavingJointIsDue(state) || tellingTargetIsDue(state) || steppingDownIsDue(state)
}

function needsWrite(state: RaftState): boolean {
  if (state.write !== undefined) return false
  return (
    state.log.writingIndex < state.log.lastIndex ||
    !hardStateIsDurable(state) ||
    state.durablePromises !== state.promises
  )
}

function beginWrite(state: RaftState): Write {
  const hardState = { term: state.term, vote: state.vote }
  const id = ++state.lastWriteId
  state.write = { id, hardState, promises: state.promises }
  holdForBeginningWrite(state)
  return { id, hardState, entries: state.log.beginWrite() }
}

/** Committed, and durable here: what is applied may be trimmed from the log, and must not be missing after a crash. */
function deliverableIndex(state: RaftState): Index {
  return Math.min(state.commitIndex, state.log.durableIndex)
}

function deliver(state: RaftState): readonly Entry[] {
  const through = deliverableIndex(state)
  if (through <= state.deliveredIndex) return NOTHING
  const entries = state.log.slice(state.deliveredIndex + 1, through, state.settings.applyBatchBytesMax)
  state.deliveredIndex += entries.length
  return entries
}

const NOTHING: readonly never[] = []

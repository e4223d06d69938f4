/**
 * Follower side of snapshots: a whole state comes in place of entries that the leader no longer has (thesis chapter 5).
 *
 * The core deals in positions only. The driver has received and verified the bytes before it calls `step` with them; the
 * core decides, and says so with the next output:
 *
 *     what is committed here          goes as far as the position    refused: nothing to be gained
 *     the log                         holds the position             refused: the entries say the same; they are committed now
 *     otherwise                                                      restored: the log is replaced by the position
 *
 * Restoring is a write like any other: it waits for the one under way, nothing is written beside it, and the same
 * `advance` reports it. In memory the log is replaced at once, so that appends that continue the new state are taken in
 * meanwhile; they go into the write after it.
 *
 * Always: nothing is acknowledged between the moment in which the log is replaced and the one in which the restored state
 * is durable: the disk may hold the old log or the new state, and no index says which (the ABA problem, once more).
 * Always: what is thrown away with the log is not committed: had it been, the position would be in the log, or below.
 * Always: of several snapshots that come in a short time, the last wins; each other is reported as refused, so that its
 * bytes can be thrown away (etcd issue 18055).
 */
import { assert } from '../base/assert.js'
import { commitThrough } from './commit.js'
import { completeConfiguration } from './configuration.js'
import { resetConfigurations } from './membership.js'
import type { Snapshot } from './message.js'
import { holdForBeginningWrite } from './outbox.js'
import type { Restore } from './ready.js'
import type { RaftState } from './state.js'
import type { SnapshotRefusal } from './trace.js'
import { hearLeader } from './transitions.js'

/** A snapshot of the leader of this term is here, its bytes received and verified. */
export function handleSnapshot(state: RaftState, message: Snapshot): void {
  hearLeader(state, message.from)
  const { log } = state
  const { position } = message
  assert(
    position.term <= message.term,
    () => `a snapshot at ${position.index}@${position.term} in term ${message.term}`,
  )
  if (position.index <= state.commitIndex) {
    refuseSnapshot(state, message, 'already-committed')
    // What is committed is the leader's too: so it learns how far we are.
    establish(state, state.commitIndex)
    return
  }
  if (log.termAt(position.index) === position.term) {
    refuseSnapshot(state, message, 'log-has-it')
    establish(state, position.index)
    commitThrough(state, position.index)
    return
  }
  assert(
    position.index > state.establishedIndex,
    () =>
      `member ${state.id}: the snapshot at ${position.index}@${position.term} contradicts what its sender sent before`,
  )
  acceptSnapshot(state, message)
}

/** The driver need not keep its bytes. */
export function refuseSnapshot(state: RaftState, { from, position }: Snapshot, reason: SnapshotRefusal): void {
  state.settings.trace?.({ type: 'snapshot-refused', node: state.id, from, position, reason })
  // A repetition of what is being restored: its bytes are needed, and by the position nobody can tell the two apart.
  const restoring = state.restore?.position
  if (restoring?.index === position.index && restoring.term === position.term) return
  state.refusedSnapshots.push(position)
}

/** Whether a state waits to be restored and no write is under way. */
export function restoreIsDue(state: RaftState): boolean {
  return state.restore !== undefined && state.write === undefined
}

export function beginRestore(state: RaftState): Restore {
  const { restore } = state
  assert(restore !== undefined, 'there is nothing to restore')
  restore.writeId = ++state.lastWriteId
  const hardState = { term: state.term, vote: state.vote }
  state.write = { id: restore.writeId, hardState, promises: state.promises }
  // It carries the hard state like any other write: what waited for that leaves with it.
  holdForBeginningWrite(state)
  const { position, configuration, writeId } = restore
  return { writeId, hardState, position, configuration }
}

/** The write with this id is durable. If it was what is to be restored, acceptances may leave again. */
export function noteRestored(state: RaftState, writeId: number): void {
  const { restore } = state
  // Otherwise another one has come in since, and is still to be written.
  if (restore?.writeId !== writeId) return
  state.restore = undefined
  state.settings.trace?.({ type: 'snapshot-restored', node: state.id, position: restore.position })
  // In a later term its leader has yet to say what it shares with us.
  if (state.role === 'follower' && state.establishedIndex >= restore.position.index) state.acceptanceDue = true
}

function acceptSnapshot(state: RaftState, message: Snapshot): void {
  const { position, from } = message
  const configuration = completeConfiguration(message.configuration)
  const { restore } = state
  if (restore !== undefined && restore.writeId === undefined) {
    state.refusedSnapshots.push(restore.position)
    state.settings.trace?.({
      type: 'snapshot-refused',
      node: state.id,
      from,
      position: restore.position,
      reason: 'replaced',
    })
  }
  state.settings.trace?.({ type: 'snapshot-accepted', node: state.id, from, position })
  state.log.restore(position)
  state.restore = { position, configuration, writeId: undefined }
  resetConfigurations(state, position.index, configuration)
  establish(state, position.index)
  commitThrough(state, position.index)
  // The state that is restored contains them: they are never handed out.
  state.deliveredIndex = position.index
}

function establish(state: RaftState, index: number): void {
  state.establishedIndex = Math.max(state.establishedIndex, index)
  // If it is not durable yet, the acceptance names less, and the write that makes it so will bring another one.
  state.acceptanceDue = true
}

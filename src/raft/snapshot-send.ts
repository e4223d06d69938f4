/**
 * Leader side of snapshots: a follower that needs entries that are compacted gets a whole state (thesis chapter 5).
 *
 * The core asks for it with an output (`snapshots`), the driver moves the bytes, in its own time and beside everything
 * else, and reports. In the meantime this follower gets heartbeats and the question whether it holds the compacted
 * position; nothing else waits for it, and it costs the others nothing.
 *
 *     wanted ---------> transferring ------ sent ----> installing ----> (its log continues ours: replicate)
 *       ^   handed out       |                              |
 *       |                    | failed                       | no sign of it for snapshotTimeoutMs
 *       |                    v                              |
 *       +-------------- waiting <---------------------------+
 *        it answers a heartbeat: it lives, and is tried again
 *
 * Always: what gets it out of here is its own word that its log continues ours, not a report: reports may be lost, and
 * the state may reach it in other ways. A transfer of which nothing is heard is asked for again; a driver that is still
 * at it has nothing more to do then.
 * Always: a retry waits for an answered heartbeat: a dead follower is sent no gigabytes, and failing is paced.
 */
import type { Progress } from './progress.js'
import type { SnapshotRequest } from './ready.js'
import type { RaftState } from './state.js'
import type { LogPosition, NodeId } from './types.js'

/** Whether {@link takeSnapshotRequests} would return any. */
export function hasSnapshotRequests(state: RaftState): boolean {
  for (const follower of state.followers.values()) {
    if (follower.state === 'snapshot' && follower.snapshotPhase === 'wanted') return true
  }
  return false
}

/** Asks for what is wanted, each once. */
export function takeSnapshotRequests(state: RaftState): readonly SnapshotRequest[] {
  if (!hasSnapshotRequests(state)) return NO_REQUESTS
  const minimumIndex = state.log.compacted.index
  const requests: SnapshotRequest[] = []
  for (const follower of state.followers.values()) {
    if (follower.state !== 'snapshot' || follower.snapshotPhase !== 'wanted') continue
    enterPhase(state, follower, 'transferring')
    requests.push({ to: follower.id, minimumIndex })
    state.settings.trace?.({ type: 'snapshot-requested', node: state.id, follower: follower.id, minimumIndex })
  }
  return requests
}

/** The follower confirmed that it has received and verified all bytes of a snapshot at `position`. */
export function noteSnapshotSent(state: RaftState, to: NodeId, position: LogPosition): void {
  const follower = state.followers.get(to)
  if (follower?.state !== 'snapshot') return
  state.settings.trace?.({ type: 'snapshot-sent', node: state.id, follower: to, position })
  follower.pendingSnapshotIndex = position.index
  // Taken while we compacted further, it may help no more: another one, at once.
  if (position.index < state.log.compacted.index) follower.snapshotPhase = 'wanted'
  else enterPhase(state, follower, 'installing')
}

export function noteSnapshotFailed(state: RaftState, to: NodeId): void {
  const follower = state.followers.get(to)
  if (follower?.state !== 'snapshot') return
  state.settings.trace?.({ type: 'snapshot-failed', node: state.id, follower: to })
  follower.snapshotPhase = 'waiting'
}

/** The follower lives. Whether it is to be tried again. */
export function maybeRetrySnapshot(state: RaftState, follower: Progress): void {
  if (follower.snapshotPhase === 'wanted') return
  if (follower.snapshotPhase !== 'waiting' && state.nowMs < follower.snapshotDeadlineMs) return
  follower.snapshotPhase = 'wanted'
}

/**
 * It says that it does not hold the compacted position. While it installs it would: what it accepted is committed for it.
 * So it fell in the middle, and the state is lost. An election timeout after the report, since a rejection may have been
 * on its way before: that would cost a snapshot too many.
 */
export function noteRejectionInSnapshot(state: RaftState, follower: Progress): void {
  const { snapshotTimeoutMs, electionTimeoutMs } = state.settings
  const reportedMs = follower.snapshotDeadlineMs - snapshotTimeoutMs
  if (follower.snapshotPhase !== 'installing' || state.nowMs < reportedMs + electionTimeoutMs) return
  follower.snapshotPhase = 'waiting'
}

/** It has what it was sent, but its log does not continue ours: we have compacted further since. */
export function noteMatchInSnapshot(follower: Progress): void {
  if (follower.snapshotPhase === 'installing' && follower.matchIndex >= follower.pendingSnapshotIndex) {
    follower.snapshotPhase = 'wanted'
  }
}

function enterPhase(state: RaftState, follower: Progress, phase: 'transferring' | 'installing'): void {
  follower.snapshotPhase = phase
  follower.snapshotDeadlineMs = state.nowMs + state.settings.snapshotTimeoutMs
}

const NO_REQUESTS: readonly SnapshotRequest[] = []

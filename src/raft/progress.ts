/**
 * What a leader knows of one follower, and how it feeds it.
 *
 *              a reply names where the logs agree
 *     probe ----------------------------------------> replicate
 *       ^  <----------------------------------------     |
 *       |         an append was rejected                 |
 *       |                                                |
 *       +---------> snapshot <---------------------------+
 *              the entries it needs are compacted: it gets a state; left when a reply shows that its log continues ours
 *
 * In `probe` one append is under way and nothing is assumed. In `replicate` appends are streamed as far as the window
 * allows, each taking for granted that the ones before it arrive (thesis 10.2.1). In `snapshot` (snapshot-send.ts) the
 * follower gets heartbeats and the question whether it holds the compacted position, nothing else of the log.
 *
 * Always: matchIndex < nextIndex; in `replicate`, an empty window means nextIndex = matchIndex + 1.
 */
import type { Inflight } from './inflight.js'
import type { Index, NodeId } from './types.js'

export type ProgressState = 'probe' | 'replicate' | 'snapshot'

export type SnapshotPhase = 'wanted' | 'transferring' | 'installing' | 'waiting'

export interface Progress {
  readonly id: NodeId
  state: ProgressState
  /** Up to here the follower's log is durable and the same as ours. Never falls, since an acceptance cannot be taken back; but when the follower lost what it promised (promises.ts). */
  matchIndex: Index
  /** The next entry to send. */
  nextIndex: Index
  /** The highest commit index sent in an append: below ours, the follower is told even when there is no entry to send. */
  commitSent: Index
  /** When it last answered, by our clock. */
  lastContactMs: number
  /** In `probe`: whether one is under way. */
  probeSent: boolean
  /** When the last append went out or was last answered; and the heartbeat round at that time. See replicate.ts, `isQuiet`. */
  activityMs: number
  activityRound: number
  /** The newest round of heartbeats it answered. */
  roundAnswered: number
  /** In `snapshot`: how far it is, and when to lose patience. The position of the last one that was sent; 0 before. */
  snapshotPhase: SnapshotPhase
  snapshotDeadlineMs: number
  pendingSnapshotIndex: Index
  /** The life in which it lost its promises and is not counted; 0 if it is counted. The newest round when we heard of it. */
  recoveryId: number
  recoveryRound: number
  /** The entry that ends it. The life for which that happened last. */
  barrierIndex: Index
  recoveredId: number
  readonly inflight: Inflight
}

/** A new leader knows nothing of anybody: it begins with a probe at the end of its own log (thesis 3.5). */
export function newProgress(
  id: NodeId,
  start: { readonly nextIndex: Index; readonly nowMs: number; readonly round: number; readonly inflight: Inflight },
): Progress {
  return {
    id,
    state: 'probe',
    matchIndex: 0,
    nextIndex: start.nextIndex,
    commitSent: 0,
    lastContactMs: start.nowMs,
    probeSent: false,
    activityMs: start.nowMs,
    activityRound: start.round,
    roundAnswered: 0,
    snapshotPhase: 'wanted',
    snapshotDeadlineMs: Infinity,
    pendingSnapshotIndex: 0,
    recoveryId: 0,
    recoveryRound: 0,
    barrierIndex: 0,
    recoveredId: 0,
    inflight: start.inflight,
  }
}

/** Begins anew at `nextIndex`, or right behind what is known to match if that is further. */
export function becomeProbe(progress: Progress, nextIndex: Index): void {
  progress.state = 'probe'
  progress.nextIndex = Math.max(nextIndex, progress.matchIndex + 1)
  progress.probeSent = false
  progress.inflight.clear()
}

/** The logs agree up to matchIndex: from there on, stream. */
export function becomeReplicate(progress: Progress): void {
  progress.state = 'replicate'
  progress.nextIndex = progress.matchIndex + 1
  progress.probeSent = false
  progress.inflight.clear()
}

export function becomeSnapshot(progress: Progress): void {
  progress.state = 'snapshot'
  progress.snapshotPhase = 'wanted'
  progress.pendingSnapshotIndex = 0
  progress.probeSent = false
  progress.inflight.clear()
}

/** Whether it lost its promises: then nothing it says is counted. */
export function isRecovering(progress: Progress | undefined): boolean {
  return progress !== undefined && progress.recoveryId !== 0
}

/** What counts for commits. */
export function countedMatchIndex(progress: Progress | undefined): Index | undefined {
  return progress === undefined || isRecovering(progress) ? undefined : progress.matchIndex
}

/** The leader's bookkeeping of who follows it: one progress for each other member of the configuration. */
import { membersOf, type CompleteConfiguration } from './configuration.js'
import { Inflight } from './inflight.js'
import { newProgress, type Progress } from './progress.js'
import type { Index, NodeId } from './types.js'

/** Of a leader, what concerns its followers. */
export interface Following {
  readonly followers: Map<NodeId, Progress>
  readonly nowMs: number
  readonly round: number
}

export interface NewFollower {
  /** Where to begin with one of whom nothing is known. */
  readonly nextIndex: Index
  readonly inflightAppendsMax: number
  readonly inflightAppendBytesMax: number
}

/**
 * Follows a change of the configuration. Who stays keeps what is known of it, also where it changes between voter and
 * learner; who is new begins with nothing known (museum row 22: a match that is assumed is a vote that nobody gave).
 */
export function syncFollowers(
  { followers, nowMs, round }: Following,
  configuration: CompleteConfiguration,
  self: NodeId,
  { nextIndex, inflightAppendsMax, inflightAppendBytesMax }: NewFollower,
): void {
  const peers = new Set(membersOf(configuration))
  peers.delete(self)
  for (const id of followers.keys()) if (!peers.has(id)) followers.delete(id)
  for (const id of peers) {
    if (followers.has(id)) continue
    const inflight = new Inflight(inflightAppendsMax, inflightAppendBytesMax)
    followers.set(id, newProgress(id, { nextIndex, nowMs, round, inflight }))
  }
}

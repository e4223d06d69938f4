/** What a member says of itself: a copy, made when it is asked for. */
import { describeDigest } from '../base/checksum.js'
import type { FormerCluster } from '../base/former-cluster.js'
import type { Alarm } from '../machine/alarms.js'
import type { Status } from '../raft/ready.js'
import type { EventLoopSummary } from './loop-times.js'
import type { Parts } from './parts.js'
import type { ScrubStatus } from './scrubber.js'
import type { SyncTimesSummary } from './sync-times.js'

export interface MemberStatus extends Status {
  /** Its state is damaged or missing, and it waits for another one from its leader, or for the entries that bring it back. */
  readonly awaitsState: boolean
  /** What was found damaged when it was opened, and given up: one sentence each. */
  readonly damage: readonly string[]
  readonly appliedIndex: number
  readonly revision: number
  readonly compactRevision: number
  readonly digest: string
  readonly alarms: readonly Alarm[]
  readonly quotaBytes: number
  readonly sizeInUseBytes: number
  /** Up to here the state itself is on disk; the log brings back the rest. */
  readonly durableAppliedIndex: number
  readonly stateWrites: number
  /** Of reading through what is on disk. */
  readonly scrub: ScrubStatus
  readonly logTrims: number
  readonly disk: SyncTimesSummary & { readonly freeBytes: number | undefined }
  readonly eventLoop: EventLoopSummary
  readonly formerClusters: readonly FormerCluster[]
}

export function memberStatusOf(parts: Parts): MemberStatus {
  const { raft, machine, storage, space, persistence, scrubber, diskGuard, freeSpace, stallGuard } = parts
  const { repair } = parts.states
  const { appliedIndex, revision, compactRevision, digest, alarms } = machine
  return {
    ...raft.status(),
    awaitsState: repair.blocked || repair.hidden,
    damage: storage.damage,
    ...{ appliedIndex, revision, compactRevision },
    digest: describeDigest(digest),
    alarms: alarms.list(),
    quotaBytes: space.quotaBytes,
    sizeInUseBytes: machine.bytesInUse,
    durableAppliedIndex: persistence.durableIndex,
    ...persistence.statistics,
    scrub: scrubber.status,
    disk: { ...diskGuard.summary, freeBytes: freeSpace.freeBytes },
    eventLoop: stallGuard.summary,
    formerClusters: storage.formerClusters,
  }
}

/**
 * What a client knows of the cluster without asking: what the headers of responses, and answers about members and alarms, told
 * last. All handles of a client share it.
 *
 * Always: revisions and terms only grow, whichever member told them; all else is of the member that was asked last.
 */
import type { Alarm } from '../../api/maintenance.js'
import type { ClusterMember } from '../../api/cluster.js'
import { memberIdOf, type MemberId } from '../../api/member-id.js'
import type { StoreStatus } from '../../api/store.js'
import type { ResponseHeader, StatusResponse } from '../generated/rpc.js'
import { numberOf } from '../wire/numbers.js'

/** Tells of another leader, or none. */
export type LeaderListener = (leader: string | undefined, term: number) => void

export class KnownStatus {
  readonly #leaderChanged: LeaderListener
  #clusterId: MemberId = 0
  #memberId: MemberId = 0
  #leaderId: MemberId = 0
  #leader: string | undefined
  #term = 0
  #revision = 1
  #hasRevision = false
  #compactRevision = 0
  #commitIndex = 0
  #appliedIndex = 0
  #learner = false
  #sizeInUseBytes = 0
  #quotaBytes = Infinity
  #members: readonly ClusterMember[] = []
  #alarms: readonly Alarm[] = []
  #version = ''
  #closed = false

  constructor(leaderChanged: LeaderListener) {
    this.#leaderChanged = leaderChanged
  }

  get revision(): number {
    return this.#revision
  }

  /** Whether any server has told a revision: whoever may see neither status nor keys has not heard of one. */
  get hasRevision(): boolean {
    return this.#hasRevision
  }

  get members(): readonly ClusterMember[] {
    return this.#members
  }

  /** Whether its server tells of progress behind all events before it; those of etcd before 3.4.25 and 3.5.8 may tell it ahead. */
  get ordersProgress(): boolean {
    const [major = 0, minor = 0, patch = 0] = this.#version.split('.').map((part) => Number.parseInt(part, 10))
    if (major !== 3 || minor > 5) return major >= 3
    return minor === 5 ? patch >= 8 : minor === 4 && patch >= 25
  }

  get leaderId(): MemberId {
    return this.#leaderId
  }

  get alarms(): readonly Alarm[] {
    return this.#alarms
  }

  /** Of a response; those about members have no revision, and some have no header. */
  tell(header: ResponseHeader | undefined): void {
    if (header === undefined) return
    this.#clusterId = memberIdOf(header.cluster_id)
    this.#memberId = memberIdOf(header.member_id)
    this.#revision = Math.max(this.#revision, numberOf(header.revision))
    this.#hasRevision ||= header.revision > 0n
    this.#term = Math.max(this.#term, numberOf(header.raft_term))
  }

  tellCompacted(revision: number): void {
    this.#compactRevision = Math.max(this.#compactRevision, revision)
  }

  tellStatus(status: StatusResponse): void {
    this.tell(status.header)
    this.#leaderId = memberIdOf(status.leader)
    this.#version = status.version
    this.#commitIndex = numberOf(status.raftIndex)
    // Servers before 3.4 did not tell it.
    this.#appliedIndex = numberOf(status.raftAppliedIndex === 0n ? status.raftIndex : status.raftAppliedIndex)
    this.#learner = status.isLearner
    this.#sizeInUseBytes = numberOf(status.dbSizeInUse)
    this.#quotaBytes = status.dbSizeQuota > 0n ? numberOf(status.dbSizeQuota) : Infinity
    this.#name()
  }

  tellMembers(members: readonly ClusterMember[]): void {
    this.#members = members
    this.#name()
  }

  tellAlarms(alarms: readonly Alarm[]): void {
    this.#alarms = alarms
  }

  close(): void {
    this.#closed = true
  }

  get status(): StoreStatus {
    const unknown = { medianSyncMs: undefined, p99SyncMs: undefined, lastSyncMs: undefined, freeBytes: undefined }
    const isLeader = this.#leaderId === this.#memberId && this.#leaderId !== 0
    return {
      remote: true,
      name: this.#nameOf(this.#memberId) ?? '',
      clusterId: this.#clusterId,
      memberId: this.#memberId,
      role: this.#closed ? 'stopped' : isLeader ? 'leader' : 'follower',
      learner: this.#learner,
      electionTimeoutMs: ELECTION_TIMEOUT_MS,
      closing: false,
      leader: this.#closed ? undefined : this.#leader,
      term: this.#term,
      commitIndex: this.#commitIndex,
      appliedIndex: this.#appliedIndex,
      revision: this.#revision,
      compactRevision: this.#compactRevision,
      digest: '',
      members: this.#members,
      alarms: this.#alarms,
      quotaBytes: this.#quotaBytes,
      sizeInUseBytes: this.#sizeInUseBytes,
      promises: 'kept',
      awaitsState: false,
      damage: [],
      outrun: [],
      log: { firstIndex: 0, lastIndex: this.#commitIndex },
      durableAppliedIndex: 0,
      stateWrites: 0,
      logTrims: 0,
      scrub: { passes: 0, last: undefined, running: undefined, damage: undefined },
      disk: { syncs: 0, ...unknown },
      eventLoop: { p99Ms: undefined, maxMs: undefined, stalls: 0, lastStallMs: undefined },
      formerClusters: [],
      backups: undefined,
    }
  }

  #nameOf(id: MemberId): string | undefined {
    return this.#members.find((member) => member.id === id)?.name
  }

  #name(): void {
    const leader = this.#nameOf(this.#leaderId)
    if (leader === this.#leader) return
    this.#leader = leader
    this.#leaderChanged(leader, this.#term)
  }
}

/** etcd's; a server does not say what its own is. */
const ELECTION_TIMEOUT_MS = 1000

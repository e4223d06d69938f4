/** What a member is made with: complete and checked; and whom it tells what happens. */
import type { Environment } from '../base/clock.js'
import type { MemberAddress } from '../machine/member-book.js'
import type { NodeId } from '../raft/types.js'
import type { Disk } from '../storage/disk.js'
import type { Transport } from '../transport/transport.js'
import type { AutoCompaction } from './auto-compactor.js'
import type { Observe } from './event.js'
import type { ScrubSettings } from './scrubber.js'

export interface MemberOptions {
  readonly clusterId: number
  /**
   * The members that the cluster began with, this one included; of one that joins, those that it was told of. Once the state
   * or the log say who they are, that counts.
   */
  readonly members: readonly MemberAddress[]
  /** Its name, also where it is not among these. */
  readonly name: string
  /** An empty disk is that of a member that was added to a cluster: it knows no voters before it is told, and has promised nothing. */
  readonly joining: boolean
  /**
   * Asks at the addresses that it was opened with who else there is, where neither its log nor its state tells, or nobody of
   * whom they tell is there.
   * Rejects with a StoreError, also when `signal` is aborted.
   */
  readonly whoElse?: ((signal?: AbortSignal) => Promise<readonly MemberAddress[]>) | undefined
  readonly memberId: NodeId
  readonly disk: Disk
  /** An empty disk is that of a member that was there before. */
  readonly rejoin: boolean
  /** Not yet started; the member starts and closes it. Undefined in a cluster of one. */
  readonly transport: Transport | undefined
  readonly environment: Environment
  readonly electionTimeoutMs: number
  readonly heartbeatIntervalMs: number
  /** How long calls under way may hold up a close; 0: not at all. */
  readonly drainMs: number
  readonly stateBufferBytesMax: number
  readonly valueCacheBytesMax: number
  readonly logRetainBytes: number
  /** Undefined: never. */
  readonly autoCompaction: AutoCompaction | undefined
  /** May be Infinity. */
  readonly quotaBytes: number
  /** May be Infinity. */
  readonly checkIntervalMs: number
  readonly scrub: ScrubSettings
  /** By how many milliseconds a change of leader may lengthen a lease, besides an election timeout. */
  readonly leaseCheckpointIntervalMs: number
  /** How long a simple token counts without being used. */
  readonly simpleTokenTtlMs: number
  /** Bytes that are to stay free on the disk; undefined: by its size. */
  readonly diskReserveBytes: number | undefined
  /** How long a write, a sync or the close may take the disk. May be Infinity. */
  readonly diskTimeoutMs: number
  readonly listener: MemberListener
  /** Must not throw. */
  readonly observe?: Observe | undefined
}

/** Told what happens; what it throws is its own affair. */
export interface MemberListener {
  leaderChanged(leader: string | undefined, term: number): void
  failed(error: Error): void
  /** It was removed from the cluster, and has ended. */
  removed(): void
}

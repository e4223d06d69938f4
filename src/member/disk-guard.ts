/**
 * Watches how long the log takes to be written, says so when it is long, and has a leader whose disk is slow hand over
 * (disk-pace.ts).
 */
import type { Logger } from '../base/logger.js'
import type { RawNode } from '../raft/raw-node.js'
import type { Write } from '../raft/ready.js'
import type { NodeId } from '../raft/types.js'
import { DiskPace } from './disk-pace.js'
import { SyncTimes, type SyncTimesSummary } from './sync-times.js'

export interface DiskGuardParts {
  readonly raft: Pick<RawNode, 'status' | 'transferLeadership'>
  readonly electionTimeoutMs: number
  readonly logger: Logger
  readonly nameOf: (member: NodeId) => string
}

export class DiskGuard {
  readonly #parts: DiskGuardParts
  readonly #pace: DiskPace
  readonly #times = new SyncTimes()
  #nextWarningMs = -Infinity

  constructor(parts: DiskGuardParts) {
    this.#parts = parts
    this.#pace = new DiskPace(parts.electionTimeoutMs)
  }

  get summary(): SyncTimesSummary {
    return this.#times.summary
  }

  lead(nowMs: number): void {
    this.#pace.lead(nowMs)
  }

  follow(): void {
    this.#pace.follow()
  }

  begun({ entries }: Write, nowMs: number): void {
    const last = entries.at(-1)
    if (last !== undefined) this.#pace.begun(last.index, nowMs)
  }

  /** How long it took; undefined for a write without entries. */
  durable(nowMs: number): number | undefined {
    const tookMs = this.#pace.durable(nowMs)
    if (tookMs === undefined) return undefined
    this.#times.add(tookMs)
    if (tookMs >= this.#pace.slowMs) this.#warn(tookMs, nowMs)
    return tookMs
  }

  /** Once in each turn of the loop. */
  turn(nowMs: number): void {
    const { raft, nameOf, logger } = this.#parts
    const successor = this.#pace.successor(nowMs, () => {
      const { followers, voters } = raft.status()
      return followers.filter(({ id }) => voters.includes(id))
    })
    if (successor === undefined) return
    const to = nameOf(successor)
    const { accepted } = raft.transferLeadership(successor, nowMs)
    if (accepted) logger.warn('the disk of this leader is slow: leadership goes to a member whose disk is not', { to })
  }

  nextDeadlineMs(): number {
    return this.#pace.nextDeadlineMs()
  }

  #warn(tookMs: number, nowMs: number): void {
    if (nowMs < this.#nextWarningMs) return
    this.#nextWarningMs = nowMs + this.#pace.stayMs
    const { medianSyncMs, p99SyncMs } = this.summary
    this.#parts.logger.warn('the disk is slow: a write of the log took long', { tookMs, medianSyncMs, p99SyncMs })
  }
}

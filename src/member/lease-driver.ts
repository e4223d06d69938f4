/**
 * The leader's part of leases: keeps their time, says which are over, and lets the log know how much is left of the others.
 *
 * Always: only the leader's monotonic clock decides; that a lease ends is done through the log (loop.ts).
 * Always: it begins when the entry that its term begins with is applied, and not before: only then does it know all that
 * earlier leaders had in the log about leases (lease/checkpoints.ts). It gives each lease what that says, plus an election
 * timeout.
 */
import type { LeaseId } from '../base/lease-id.js'
import { NO_LEASE } from '../base/lease-id.js'
import { NEVER, type Buggify } from '../base/buggify.js'
import { LIMITS } from '../base/limits.js'
import type { Random } from '../base/random.js'
import { Checkpoints } from '../lease/checkpoints.js'
import { Expiry } from '../lease/expiry.js'
import type { Lease, LeaseCheckpoint } from '../lease/lease.js'
import type { Lessor } from '../lease/lessor.js'
import { Pace } from '../lease/pace.js'
import type { LeaseCheckpointRequest, LeaseRevokeRequest } from '../machine/command.js'
import type { Applied } from '../machine/outcome.js'
import type { Observe } from './event.js'
import type { Telemeter } from './telemeter.js'
import type { CallResponse } from './wire/call-codec.js'

export interface LeaseDriverParts {
  readonly machine: { readonly lessor: Lessor }
  readonly electionTimeoutMs: number
  /** By how much a change of leader may lengthen a lease, besides an election timeout. */
  readonly checkpointIntervalMs: number
  readonly observe?: Observe | undefined
  readonly telemeter?: Telemeter | undefined
  readonly buggify?: Buggify
}

/** `known`: the log knows of the renewal, or the lease ended; else nobody here can say any more. */
export type OnceRenewed = (known: boolean) => void

export class LeaseDriver {
  readonly #machine: { readonly lessor: Lessor }
  readonly #electionTimeoutMs: number
  readonly #observe: Observe | undefined
  readonly #telemeter: Telemeter | undefined
  readonly #buggify: Buggify
  readonly #expiry = new Expiry()
  readonly #checkpoints: Checkpoints
  readonly #expiryPace = new Pace(LIMITS.leaseExpiriesPerSecondMax, LIMITS.leaseExpiriesPerTurnMax)
  readonly #checkpointPace = new Pace(LIMITS.leaseCheckpointsPerSecondMax, LIMITS.leaseCheckpointBatchMax)
  /** Renewals are not asked for while the log takes none. */
  #restoreAtMs = -Infinity
  #expiryHeld = false
  /** Who waits until the log knows of the renewal of a lease. */
  readonly #renewed = new Map<LeaseId, Set<OnceRenewed>>()
  #questions = 0

  constructor(parts: LeaseDriverParts) {
    const { machine, electionTimeoutMs, checkpointIntervalMs, observe, telemeter, buggify = NEVER } = parts
    this.#buggify = buggify
    this.#observe = observe
    this.#telemeter = telemeter
    this.#machine = machine
    this.#electionTimeoutMs = electionTimeoutMs
    this.#checkpoints = new Checkpoints(checkpointIntervalMs, (id) => this.#expiry.deadlineMs(id))
  }

  /** One and a half election timeouts, as etcd has it: a shorter lease would end while the cluster is between two leaders. */
  get minimumTtlSeconds(): number {
    return Math.ceil((1.5 * this.#electionTimeoutMs) / 1000)
  }

  /**
   * The entry that this member's term as the leader begins with was applied, or another one without content of this term:
   * those come for members that lost their promises (raft/promises.ts). Then its books go on: begun anew, they would lose
   * count of what it proposed before, and take for recorded what is not.
   */
  lead(nowMs: number): void {
    if (this.#expiry.leading) return
    this.#observe?.({ type: 'leases-taken-over', atMs: nowMs, extensionMs: this.#electionTimeoutMs })
    this.#expiry.promote(this.#machine.lessor.all(), nowMs, this.#electionTimeoutMs)
    this.#checkpoints.clear()
    for (const lease of this.#machine.lessor.all()) this.#checkpoints.add(lease, nowMs)
  }

  follow(): void {
    if (this.#expiry.leading) this.#observe?.({ type: 'leases-given-up' })
    this.#expiryHeld = false
    this.#expiry.demote()
    this.#checkpoints.clear()
    this.#restoreAtMs = -Infinity
    this.stop()
  }

  /** Nobody waits any more for the log to know. */
  stop(): void {
    for (const id of [...this.#renewed.keys()]) this.#tellRenewed(id, false)
  }

  /**
   * This leader stood still: what would have kept leases alive may have come meanwhile and wait to be read, and another
   * member may lead. No lease is ended until {@link releaseExpiry}, once that is known.
   */
  holdExpiry(): void {
    this.#expiryHeld = true
  }

  releaseExpiry(): void {
    this.#expiryHeld = false
  }

  get expiryHeld(): boolean {
    return this.#expiryHeld
  }

  /** Follows what was applied: on every member, so that whoever leads next has nothing to catch up with. */
  applied(applied: Applied, nowMs: number): void {
    if (applied.outcome?.ok !== true) return
    const { response } = applied.outcome
    if (response.type === 'lease-grant') this.#grant(response, nowMs)
    else if (response.type === 'lease-revoke') this.#revoke(response.id)
    else if (response.type === 'lease-checkpoint') this.#checkpointed(response.checkpoints)
  }

  /** Leases to revoke now; each is given once in a while only, until it is gone. */
  expired(nowMs: number, appliedIndex: number): readonly LeaseRevokeRequest[] {
    if (this.#expiryHeld) return []
    const room = this.#expiryPace.room(nowMs)
    const leases = this.#expiry.expired(nowMs, this.#buggify('lease-revoke-one') ? Math.min(1, room) : room)
    if (leases.length === 0) return []
    this.#expiryPace.took(leases.length, nowMs)
    this.#observe?.({ type: 'leases-expired', atMs: nowMs, leases })
    this.#telemeter?.tell?.({ type: 'leases-expired', leases: leases.length })
    return leases.map((id) => ({ type: 'lease-revoke', id, grantedUpTo: appliedIndex }))
  }

  /** What the log has to know now, to be proposed at once; then {@link checkpointsProposed}. */
  checkpoints(nowMs: number, appliedIndex: number): LeaseCheckpointRequest | undefined {
    const most = LIMITS.leaseCheckpointBatchMax
    const restored = nowMs < this.#restoreAtMs ? [] : this.#checkpoints.restorations(most)
    const room = Math.min(this.#checkpointPace.room(nowMs), most - restored.length)
    const due = room > 0 ? this.#checkpoints.due(nowMs, room) : []
    this.#checkpointPace.took(due.length, nowMs)
    if (restored.length + due.length === 0) return undefined
    return { type: 'lease-checkpoint', grantedUpTo: appliedIndex, checkpoints: [...restored, ...due] }
  }

  checkpointsProposed({ checkpoints }: LeaseCheckpointRequest, accepted: boolean, nowMs: number): void {
    this.#checkpoints.proposed(checkpoints, accepted, nowMs)
    if (accepted) {
      this.#observe?.({ type: 'leases-checkpointed', atMs: nowMs, checkpoints })
      return
    }
    this.#checkpointPace.pause(nowMs)
    this.#restoreAtMs = this.#checkpointPace.roomAtMs
  }

  nextDeadlineMs(): number {
    const dueMs = this.#expiryHeld ? Infinity : (this.#expiry.nextDeadlineMs ?? Infinity)
    const expiryMs = Math.max(dueMs, this.#expiryPace.roomAtMs)
    const checkpointMs = Math.max(this.#checkpoints.nextDueMs ?? Infinity, this.#checkpointPace.roomAtMs)
    return Math.min(expiryMs, checkpointMs, this.#checkpoints.mustRestore ? this.#restoreAtMs : Infinity)
  }

  /** Somebody wants to renew; gives the number of the question, for {@link renew}. */
  asked(lease: LeaseId): number {
    const question = ++this.#questions
    this.#observe?.({ type: 'lease-asked', question, lease })
    return question
  }

  /**
   * Gives a lease its full time again; whether it exists and is not over. Its owner may be told ({@link renewed}) only when
   * {@link mayTell} says so; where it does not, the log is about to know, which {@link onceRenewed} waits for.
   */
  renew(id: LeaseId, nowMs: number): boolean {
    if (this.#expiry.renew(id, nowMs) === undefined) return false
    this.#checkpoints.restore(id)
    return true
  }

  /** Whether whoever leads next will not give the lease less time than this member does. */
  mayTell(id: LeaseId): boolean {
    return this.#checkpoints.saysAll(id)
  }

  /** Calls back, unless what it returns was called before. */
  onceRenewed(id: LeaseId, callback: OnceRenewed): () => void {
    let waiting = this.#renewed.get(id)
    if (waiting === undefined) this.#renewed.set(id, (waiting = new Set()))
    waiting.add(callback)
    return () => {
      waiting.delete(callback)
      if (waiting.size === 0 && this.#renewed.get(id) === waiting) this.#renewed.delete(id)
    }
  }

  /** What its owner is told of a renewal. */
  renewed(id: LeaseId, question: number, nowMs: number): CallResponse {
    const response = this.timeToLive(id, nowMs)
    if (response.type === 'lease' && response.exists) {
      const { ttlMs, remainingMs } = response
      this.#telemeter?.tell?.({ type: 'lease-renewed' })
      this.#observe?.({ type: 'lease-renewed', question, lease: id, atMs: nowMs, ttlMs, remainingMs })
    }
    return response
  }

  timeToLive(id: LeaseId, nowMs: number): CallResponse {
    const remainingMs = this.#expiry.remaining(id, nowMs)
    const lease = this.#machine.lessor.get(id)
    if (remainingMs === undefined || lease === undefined) return { type: 'lease', exists: false }
    return { type: 'lease', exists: true, ttlMs: lease.ttlSeconds * 1000, remainingMs: Math.floor(remainingMs) }
  }

  /** A positive lease id that is not in use as far as this member knows. */
  freshId(random: Random): LeaseId {
    for (;;) {
      const id = (BigInt(random.uint32() >>> 1) << 32n) | BigInt(random.uint32())
      if (id !== NO_LEASE && !this.#machine.lessor.exists(id)) return id
    }
  }

  #grant(lease: Lease, nowMs: number): void {
    this.#telemeter?.tell?.({ type: 'lease-granted', ttlMs: lease.ttlSeconds * 1000 })
    if (!this.#expiry.leading) return
    this.#expiry.grant(lease, nowMs)
    this.#checkpoints.add(lease, nowMs)
    this.#observe?.({ type: 'lease-granted', lease: lease.id, atMs: nowMs, ttlMs: lease.ttlSeconds * 1000 })
  }

  #revoke(id: LeaseId): void {
    this.#telemeter?.tell?.({ type: 'lease-revoked' })
    this.#expiry.revoke(id)
    this.#checkpoints.remove(id)
    this.#tellRenewed(id, true)
  }

  /** Of this leader's own term: what others had proposed was applied before it began. */
  #checkpointed(checkpoints: readonly LeaseCheckpoint[]): void {
    if (!this.#expiry.leading) return
    this.#checkpoints.applied(checkpoints)
    for (const { id } of checkpoints) if (this.mayTell(id)) this.#tellRenewed(id, true)
  }

  #tellRenewed(id: LeaseId, known: boolean): void {
    const waiting = this.#renewed.get(id)
    if (waiting === undefined) return
    this.#renewed.delete(id)
    for (const callback of waiting) callback(known)
  }
}

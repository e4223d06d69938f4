/**
 * What clients of a crash run know of their leases, and what must be true of each.
 *
 * A lease lives at least for its time from when it was last granted or renewed with an answer, counted from before the call:
 * whoever finds it gone sooner, without a revocation that was begun, was lied to. One whose revocation was acknowledged is
 * gone. How long one may outlive its time depends on changes of leader: that it ends at all is seen at the end of the run.
 */
import { AssertionError } from '../../src/base/assert.js'
import type { FinalContents, LeaseCall, LeaseName, Result } from './messages.js'

interface Known {
  readonly ttlMs: number
  /** When its grant was acknowledged. */
  grantedMs: number | undefined
  /** It lives until then, by what was acknowledged; 0 while nothing was. */
  untilMs: number
  revoking: boolean
  /** When its revocation was acknowledged. */
  revokedMs: number | undefined
}

export class LeaseBook {
  readonly #leases = new Map<LeaseName, Known>()
  acknowledged = 0

  get count(): number {
    return this.#leases.size
  }

  /** To be called before the call is made. */
  begin(call: LeaseCall): void {
    if (call.type === 'grant')
      this.#leases.set(call.lease, {
        ttlMs: call.ttlMs,
        grantedMs: undefined,
        untilMs: 0,
        revoking: false,
        revokedMs: undefined,
      })
    if (call.type === 'revoke') this.#of(call.lease).revoking = true
  }

  end(call: LeaseCall, result: Result, invokedMs: number, nowMs: number): void {
    const lease = this.#of(call.lease)
    if (result.outcome !== 'ok') {
      if (result.code === 'LEASE_NOT_FOUND') this.missed(call.lease, invokedMs, nowMs)
      return
    }
    this.acknowledged++
    if (call.type === 'revoke') lease.revokedMs ??= nowMs
    else if (invokedMs > (lease.revokedMs ?? Infinity))
      throw new AssertionError(`lease ${call.lease} was renewed after it had been revoked`)
    else lease.untilMs = Math.max(lease.untilMs, invokedMs + lease.ttlMs)
    if (call.type === 'grant') lease.grantedMs = nowMs
  }

  /** Somebody who asked at `invokedMs` was told that there is no such lease. */
  missed(name: LeaseName, invokedMs: number, nowMs: number): void {
    const { grantedMs = Infinity, untilMs, revoking } = this.#of(name)
    // Whoever asked before the grant was acknowledged may have been ahead of it.
    if (revoking || invokedMs <= grantedMs || nowMs >= untilMs) return
    throw new AssertionError(`lease ${name} is gone, ${(untilMs - nowMs).toFixed(0)} ms before its time is over`)
  }

  /** Those that may be there no more: all that are not longer than `ttlMsMax`. */
  areOver({ leases }: FinalContents, ttlMsMax: number): boolean {
    return leases.every((name) => this.#of(name).ttlMs > ttlMsMax)
  }

  /** `nowMs`: from before it was read. */
  check({ leases, items }: FinalContents, nowMs: number, member: string): void {
    const there = new Set(leases)
    for (const name of there) {
      if (this.#of(name).revokedMs !== undefined)
        throw new AssertionError(`lease ${name} was revoked, and ${member} has it`)
    }
    for (const [name, { untilMs, revoking }] of this.#leases) {
      if (!there.has(name) && !revoking && untilMs > nowMs)
        throw new AssertionError(`lease ${name} was acknowledged and is not over, and ${member} does not have it`)
    }
    const orphan = items.find(({ lease }) => lease !== undefined && !there.has(lease))
    if (orphan !== undefined)
      throw new AssertionError(`${member} has ${orphan.key}, whose lease ${orphan.lease} is gone`)
  }

  #of(name: LeaseName): Known {
    const lease = this.#leases.get(name)
    if (lease === undefined) throw new AssertionError(`nobody asked for a lease ${name}`)
    return lease
  }
}

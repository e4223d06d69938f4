/** Leases over a member: granted and revoked through the log, renewed by asking the leader. */
import { StoreError } from '../base/errors.js'
import type { CallOptions, Lease, Leases, LeaseStatus } from '../api/store.js'
import type { CallLimits } from '../member/deadlines.js'
import type { Member } from '../member/member.js'
import type { CallResponse } from '../member/wire/call-codec.js'
import type { LeaseId } from '../mvcc/types.js'

export class EmbeddedLeases implements Leases {
  readonly #member: Member
  readonly #limits: (call: CallOptions) => CallLimits

  constructor(member: Member, limits: (call: CallOptions) => CallLimits) {
    this.#member = member
    this.#limits = limits
  }

  async grant(options: { ttlMs: number; id?: LeaseId | undefined }, call: CallOptions = {}): Promise<Lease> {
    const { ttlMs, id = this.#member.freshLeaseId() } = options
    if (!Number.isFinite(ttlMs) || ttlMs <= 0) throw new RangeError(`ttlMs must be a positive number, not ${ttlMs}`)
    const request = { type: 'lease-grant', id, ttlSeconds: Math.ceil(ttlMs / 1000) } as const
    const { response } = await this.#member.propose(request, this.#limits(call))
    if (response.type !== 'lease-grant') throw new TypeError(`a grant was answered with a ${response.type}`)
    return { id: response.id, ttlMs: response.ttlSeconds * 1000 }
  }

  async keepAlive(id: LeaseId, call: CallOptions = {}): Promise<Lease> {
    const response = await this.#member.askLeader({ type: 'lease-keep-alive', lease: id }, this.#limits(call))
    const status = statusOf(id, response)
    if (status === undefined) throw new StoreError('LEASE_NOT_FOUND', `lease ${id} has ended`)
    return { id, ttlMs: status.ttlMs }
  }

  async revoke(id: LeaseId, call: CallOptions = {}): Promise<void> {
    await this.#member.propose({ type: 'lease-revoke', id }, this.#limits(call))
  }

  async timeToLive(id: LeaseId, call: CallOptions = {}): Promise<LeaseStatus | undefined> {
    const response = await this.#member.askLeader({ type: 'lease-time-to-live', lease: id }, this.#limits(call))
    return statusOf(id, response)
  }
}

function statusOf(id: LeaseId, response: CallResponse): LeaseStatus | undefined {
  if (response.type === 'refused') throw new StoreError(response.code, response.message)
  return response.exists ? { id, ttlMs: response.ttlMs, remainingMs: response.remainingMs } : undefined
}

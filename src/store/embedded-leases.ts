/** Leases over a member: granted and revoked through the log, renewed by asking the leader. */
import { AssertionError } from '../base/assert.js'
import { StoreError } from '../base/errors.js'
import { checkLeaseId } from '../base/lease-id.js'
import { LIMITS } from '../base/limits.js'
import { checkConsistency } from '../api/check-call.js'
import { checkFields, kind } from '../api/check-fields.js'
import { LeaseKey } from '../api/lease-key.js'
import type { CallOptions, Lease, Leases, LeaseStatus, ListLeasesOptions, TimeToLiveOptions } from '../api/store.js'
import { MEMBER } from '../machine/identity.js'
import type { CallLimits } from '../member/deadlines.js'
import type { Member } from '../member/member.js'
import type { CallResponse } from '../member/wire/call-codec.js'
import type { LeaseId } from '../mvcc/types.js'

const GRANT_FIELDS = { ttlMs: true, id: true } as const

export class EmbeddedLeases implements Leases {
  readonly #member: Member
  readonly #limits: (call: CallOptions) => CallLimits

  constructor(member: Member, limits: (call: CallOptions) => CallLimits) {
    this.#member = member
    this.#limits = limits
  }

  async grant(options: { ttlMs: number; id?: LeaseId | undefined }, call: CallOptions = {}): Promise<Lease> {
    checkFields(options, GRANT_FIELDS, 'leases.grant()')
    const { ttlMs, id } = options
    if (typeof ttlMs !== 'number') throw new TypeError(`ttlMs must be a number of milliseconds, not ${typeof ttlMs}`)
    if (!(ttlMs > 0)) throw new RangeError(`ttlMs must be a positive number of milliseconds, not ${ttlMs}`)
    const ttlSeconds = Math.ceil(ttlMs / 1000)
    if (ttlSeconds > LIMITS.leaseTtlSecondsMax) {
      throw new StoreError(
        'LEASE_TTL_TOO_LARGE',
        `A lease of ${ttlSeconds} seconds was asked for; at most ${LIMITS.leaseTtlSecondsMax} are allowed.`,
      )
    }
    const request = this.#member.leaseGrant(ttlSeconds, id === undefined ? undefined : checkLeaseId(id))
    const { response } = await this.#member.propose(request, MEMBER, this.#limits(call))
    if (response.type !== 'lease-grant') throw new AssertionError(`a grant was answered with a ${response.type}`)
    return { id: response.id, ttlMs: response.ttlSeconds * 1000 }
  }

  async keepAlive(id: LeaseId, call: CallOptions = {}): Promise<Lease> {
    const request = { type: 'lease-keep-alive', lease: checkLeaseId(id) } as const
    const status = statusOf(id, await this.#member.askLeader(request, MEMBER, this.#limits(call)))
    if (status === undefined) {
      throw new StoreError('LEASE_NOT_FOUND', `Lease ${id} has ended, or never was: grant a new one.`)
    }
    return { id, ttlMs: status.ttlMs }
  }

  async revoke(id: LeaseId, call: CallOptions = {}): Promise<void> {
    await this.#member.propose({ type: 'lease-revoke', id: checkLeaseId(id) }, MEMBER, this.#limits(call))
  }

  async timeToLive(id: LeaseId, options: TimeToLiveOptions = {}): Promise<LeaseStatus | undefined> {
    const { keys = false, ...call } = options
    if (typeof keys !== 'boolean') throw new TypeError(`keys must be true or false, not ${kind(keys)}`)
    const limits = this.#limits(call)
    const request = { type: 'lease-time-to-live', lease: checkLeaseId(id) } as const
    const status = statusOf(id, await this.#member.askLeader(request, MEMBER, limits))
    if (status === undefined || !keys) return status
    // The keys are known on every member: this one looks at its own, once they are as current as the answer.
    await this.#member.confirmRead(limits)
    const attached = this.#member.leaseKeys(id, MEMBER)
    return attached && { ...status, keys: attached.map((key) => new LeaseKey(key)) }
  }

  async list(options: ListLeasesOptions = {}): Promise<readonly LeaseId[]> {
    const { consistency = 'linearizable', ...call } = options
    checkConsistency(consistency)
    const limits = this.#limits(call)
    if (consistency === 'linearizable') await this.#member.confirmRead(limits)
    return this.#member.leaseIds(MEMBER)
  }
}

function statusOf(id: LeaseId, response: CallResponse): LeaseStatus | undefined {
  if (response.type === 'refused') throw new StoreError(response.code, response.message)
  return response.exists ? { id, ttlMs: response.ttlMs, remainingMs: response.remainingMs } : undefined
}

/** Leases over a member: granted and revoked through the log, renewed by asking the leader. */
import { AssertionError } from '../base/assert.js'
import { StoreError } from '../base/errors.js'
import { checkLeaseId } from '../base/lease-id.js'
import { checkBoolean } from '../api/check-boolean.js'
import { checkConsistency } from '../api/check-call.js'
import { leaseGrantOf } from '../api/lease-grant.js'
import { LeaseKey } from '../api/lease-key.js'
import type { CallOptions, Lease, Leases, LeaseStatus, ListLeasesOptions, TimeToLiveOptions } from '../api/store.js'
import type { Request } from '../machine/command.js'
import type { Identity } from '../machine/identity.js'
import type { CallLimits } from '../member/deadlines.js'
import type { Member } from '../member/member.js'
import type { Proposed } from '../member/proposals.js'
import type { CallRequest, CallResponse } from '../member/wire/call-codec.js'
import type { LeaseId } from '../mvcc/types.js'
import type { Caller } from './caller.js'

type Answered = Extract<CallResponse, { readonly type: 'lease' }>

export class EmbeddedLeases implements Leases {
  readonly #member: Member
  readonly #caller: Caller
  readonly #limits: (call: CallOptions) => CallLimits

  constructor(member: Member, caller: Caller, limits: (call: CallOptions) => CallLimits) {
    this.#member = member
    this.#caller = caller
    this.#limits = limits
  }

  async grant(options: { ttlMs: number; id?: LeaseId | undefined }, call: CallOptions = {}): Promise<Lease> {
    const { ttlSeconds, id } = leaseGrantOf(options)
    const request = this.#member.leaseGrant(ttlSeconds, id)
    const { response } = await this.#propose(request, call)
    if (response.type !== 'lease-grant') throw new AssertionError(`a grant was answered with a ${response.type}`)
    return { id: response.id, ttlMs: response.ttlSeconds * 1000 }
  }

  async keepAlive(id: LeaseId, call: CallOptions = {}): Promise<Lease> {
    const request = { type: 'lease-keep-alive', lease: checkLeaseId(id) } as const
    const limits = this.#limits(call)
    const renewed = await this.#caller.perform(limits, (identity) => this.#ask(request, identity, limits))
    const status = statusOf(id, renewed)
    if (status === undefined) {
      throw new StoreError('LEASE_NOT_FOUND', `Lease ${id} has ended, or never was: grant a new one.`)
    }
    return { id, ttlMs: status.ttlMs }
  }

  async revoke(id: LeaseId, call: CallOptions = {}): Promise<void> {
    await this.#propose({ type: 'lease-revoke', id: checkLeaseId(id) }, call)
  }

  async timeToLive(id: LeaseId, options: TimeToLiveOptions = {}): Promise<LeaseStatus | undefined> {
    const { keys = false, ...call } = options
    checkBoolean(keys, 'keys')
    const limits = this.#limits(call)
    const request = { type: 'lease-time-to-live', lease: checkLeaseId(id) } as const
    return this.#caller.perform(limits, async (identity) => {
      const status = statusOf(id, await this.#ask(request, identity, limits))
      if (status === undefined || !keys) return status
      // The keys are known on every member: this one looks at its own, once they are as current as the answer.
      await this.#member.confirmRead(limits)
      const attached = this.#member.leaseKeys(id, identity)
      return attached && { ...status, keys: attached.map((key) => new LeaseKey(key)) }
    })
  }

  async list(options: ListLeasesOptions = {}): Promise<readonly LeaseId[]> {
    const { consistency = 'linearizable', ...call } = options
    checkConsistency(consistency)
    const limits = this.#limits(call)
    return this.#caller.perform(limits, async (identity) => {
      if (consistency === 'linearizable') await this.#member.confirmRead(limits)
      return this.#member.leaseIds(identity)
    })
  }

  #propose(request: Request, call: CallOptions): Promise<Proposed> {
    const limits = this.#limits(call)
    return this.#caller.perform(limits, (identity) => this.#member.propose(request, identity, limits))
  }

  async #ask(request: CallRequest, identity: Identity, limits: CallLimits): Promise<Answered> {
    const response = await this.#member.askLeader(request, identity, limits)
    if (response.type === 'refused') throw new StoreError(response.code, response.message)
    if (response.type !== 'lease') throw new AssertionError(`a ${request.type} was answered with ${response.type}`)
    return response
  }
}

function statusOf(id: LeaseId, response: Answered): LeaseStatus | undefined {
  return response.exists ? { id, ttlMs: response.ttlMs, remainingMs: response.remainingMs } : undefined
}

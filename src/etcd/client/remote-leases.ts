/** Leases over etcd's API, which counts in whole seconds. */
import { StoreError } from '../../base/errors.js'
import { checkLeaseId, NO_LEASE, type LeaseId } from '../../base/lease-id.js'
import { keyOf } from '../../base/bytes.js'
import { checkBoolean } from '../../api/check-boolean.js'
import { CALL_FIELDS, checkConsistency } from '../../api/check-call.js'
import { checkFields } from '../../api/check-fields.js'
import { leaseGrantOf } from '../../api/lease-grant.js'
import { LeaseKey } from '../../api/lease-key.js'
import type { CallOptions, Lease, Leases, LeaseStatus, ListLeasesOptions, TimeToLiveOptions } from '../../api/store.js'
import { millisecondsOf } from '../wire/numbers.js'
import type { Remote } from './remote.js'

export class RemoteLeases implements Leases {
  readonly #remote: Remote

  constructor(remote: Remote) {
    this.#remote = remote
  }

  async grant(options: { ttlMs: number; id?: LeaseId | undefined }, call: CallOptions = {}): Promise<Lease> {
    const { ttlSeconds, id = NO_LEASE } = leaseGrantOf(options)
    checkFields(call, CALL_FIELDS, 'a call of leases')
    const request = { TTL: BigInt(ttlSeconds), ID: id }
    const { ID, TTL } = await this.#remote.call(({ lease }) => lease.leaseGrant(request, call))
    return { id: ID, ttlMs: millisecondsOf(TTL) }
  }

  async keepAlive(id: LeaseId, call: CallOptions = {}): Promise<Lease> {
    checkFields(call, CALL_FIELDS, 'a call of leases')
    const request = { ID: checkLeaseId(id) }
    const { TTL } = await this.#remote.call((client) => client.keepAlive(request, call))
    if (TTL > 0n) return { id, ttlMs: millisecondsOf(TTL) }
    throw new StoreError('LEASE_NOT_FOUND', `Lease ${id} has ended, or never was: grant a new one.`)
  }

  async revoke(id: LeaseId, call: CallOptions = {}): Promise<void> {
    checkFields(call, CALL_FIELDS, 'a call of leases')
    const request = { ID: checkLeaseId(id) }
    await this.#remote.call(({ lease }) => lease.leaseRevoke(request, call))
  }

  async timeToLive(id: LeaseId, options: TimeToLiveOptions = {}): Promise<LeaseStatus | undefined> {
    const { keys: asked = false, ...call } = options
    checkFields(call, CALL_FIELDS, 'a call of leases')
    checkBoolean(asked, 'keys')
    const request = { ID: checkLeaseId(id), keys: asked }
    const { TTL, grantedTTL, keys } = await this.#remote.call(({ lease }) => lease.leaseTimeToLive(request, call))
    if (TTL < 0n) return undefined
    const status = { id, ttlMs: millisecondsOf(grantedTTL), remainingMs: millisecondsOf(TTL) }
    if (!asked) return status
    // etcd has them in no order.
    const inOrder = keys.map((key) => keyOf(key)).sort()
    return { ...status, keys: inOrder.map((key) => new LeaseKey(key)) }
  }

  async list(options: ListLeasesOptions = {}): Promise<readonly LeaseId[]> {
    const { consistency = 'linearizable', ...call } = options
    checkFields(call, CALL_FIELDS, 'a call of leases')
    checkConsistency(consistency)
    // A member answers with what it has; once it has answered this, that is as current.
    if (consistency === 'linearizable') await this.#remote.members(true, call)
    const { leases } = await this.#remote.call(({ lease }) => lease.leaseLeases({}, call))
    return leases.map(({ ID }) => ID).sort((a, b) => (a < b ? -1 : 1))
  }
}

/** What `leases.grant()` takes, checked once, for whoever implements it. */
import { StoreError } from '../base/errors.js'
import { checkLeaseId, type LeaseId } from '../base/lease-id.js'
import { LIMITS } from '../base/limits.js'
import { checkFields } from './check-fields.js'

const GRANT_FIELDS = { ttlMs: true, id: true } as const

/** @internal Throws TypeError, RangeError, `LEASE_TTL_TOO_LARGE`. */
export function leaseGrantOf(options: { readonly ttlMs: number; readonly id?: LeaseId | undefined }): {
  readonly ttlSeconds: number
  readonly id: LeaseId | undefined
} {
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
  return { ttlSeconds, id: id === undefined ? undefined : checkLeaseId(id) }
}

/** Lease: granted, renewed, looked at and ended. A lease that does not exist is an answer here, and no error, where etcd has it so. */
import { isStoreError, StoreError } from '../../../base/errors.js'
import { asBuffer } from '../../../base/bytes.js'
import { LIMITS } from '../../../base/limits.js'
import type { LeaseStatus, Store } from '../../../api/store.js'
import type { LeaseKeepAliveResponse, LeaseService } from '../../generated/rpc.js'
import { numberOf, secondsOf } from '../../wire/numbers.js'
import type { Face } from '../face.js'
import type { Service } from '../service.js'
import { answeredInOrder } from './in-order.js'

/** No lease has this id. */
const NONE = 0n
const ENDED = 0n
const UNKNOWN = -1n

export function leaseService(face: Face): Service<typeof LeaseService> {
  return {
    async leaseGrant({ TTL, ID }, { store }) {
      const lease = await store.leases.grant({ ttlMs: grantedMs(TTL), id: ID === NONE ? undefined : ID })
      return { header: face.header(), ID: lease.id, TTL: secondsOf(lease.ttlMs), error: '' }
    },

    async leaseRevoke({ ID }, { store }) {
      if (ID === NONE) throw new StoreError('LEASE_NOT_FOUND', 'No lease has the id 0.')
      await store.leases.revoke(ID)
      return { header: face.header() }
    },

    leaseKeepAlive(requests, { store }) {
      return answeredInOrder(
        requests,
        LIMITS.etcdStreamKeepAlivesMax,
        async ({ ID }): Promise<LeaseKeepAliveResponse> => {
          // As of before the renewal: what the answer says of the lease is at least as new.
          const header = face.header()
          return { header, ID, TTL: await renewed(store, ID) }
        },
      )
    },

    async leaseTimeToLive({ ID, keys }, { store }) {
      const status = ID === NONE ? undefined : await store.leases.timeToLive(ID, { keys })
      const header = face.header()
      if (status === undefined) return { header, ID, TTL: UNKNOWN, grantedTTL: 0n, keys: [] }
      return {
        header,
        ID,
        TTL: secondsOf(status.remainingMs),
        grantedTTL: secondsOf(status.ttlMs),
        keys: keysOf(status),
      }
    },

    async leaseLeases(_request, { store }) {
      const ids = await store.leases.list({ consistency: 'local' })
      return { header: face.header(), leases: ids.map((ID) => ({ ID })) }
    },
  }
}

/** What is too short becomes the shortest there is. Throws `LEASE_TTL_TOO_LARGE`. */
function grantedMs(seconds: bigint): number {
  if (seconds > BigInt(LIMITS.leaseTtlSecondsMax)) {
    throw new StoreError(
      'LEASE_TTL_TOO_LARGE',
      `A lease of ${seconds} seconds; ${LIMITS.leaseTtlSecondsMax} are allowed.`,
    )
  }
  return Math.max(1, numberOf(seconds)) * 1000
}

/** The seconds that it now has; none, where it is gone. */
async function renewed(store: Store, id: bigint): Promise<bigint> {
  if (id === NONE) return ENDED
  try {
    const { ttlMs } = await store.leases.keepAlive(id)
    return secondsOf(ttlMs)
  } catch (error) {
    if (isStoreError(error, 'LEASE_NOT_FOUND')) return ENDED
    throw error
  }
}

function keysOf({ keys = [] }: LeaseStatus): Buffer[] {
  return keys.map(({ keyBytes }) => asBuffer(keyBytes))
}

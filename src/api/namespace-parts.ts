/**
 * The parts of a namespace's store that are about more than keys: the whole store's, refused once the namespace is closed,
 * with what they say of keys translated.
 */
import type { Auth, Roles, Users } from './auth.js'
import type { Fields } from './check-fields.js'
import type { Closing } from './closing.js'
import type { Cluster } from './cluster.js'
import type { KeyPrefix } from './key-prefix.js'
import type { Maintenance } from './maintenance.js'
import type { Leases } from './store.js'
import type { Telemetry } from './telemetry.js'

const LEASES: Fields<Omit<Leases, 'timeToLive'>> = { grant: true, keepAlive: true, revoke: true, list: true }
const MAINTENANCE: Fields<Omit<Maintenance, 'snapshot' | 'statistics' | 'setPrefixQuota' | 'prefixQuotas'>> = {
  ...{ hash: true, alarms: true, raise: true, disarm: true, check: true, defragment: true, sizes: true },
}
const AUTH: Fields<Omit<Auth, 'users' | 'roles'>> = {
  ...{ enable: true, disable: true, status: true, login: true, whoami: true },
}
const USERS: Fields<Users> = {
  ...{ add: true, delete: true, changePassword: true, list: true, get: true, grantRole: true, revokeRole: true },
}
const ROLES: Fields<Roles> = { add: true, delete: true, list: true, get: true, grant: true, revoke: true }
const CLUSTER: Fields<Cluster> = {
  ...{ list: true, add: true, announce: true, remove: true, replace: true, update: true, promote: true },
  moveLeader: true,
}

export function leasesOf(leases: Leases, prefix: KeyPrefix, closing: Closing): Leases {
  return {
    ...closable(leases, LEASES, closing),
    timeToLive: async (id, options) => {
      closing.check()
      const status = await leases.timeToLive(id, options)
      return status?.keys === undefined ? status : { ...status, keys: prefix.leaseKeys(status.keys) }
    },
  }
}

export function maintenanceOf(maintenance: Maintenance, prefix: KeyPrefix, closing: Closing): Maintenance {
  return {
    ...closable(maintenance, MAINTENANCE, closing),
    snapshot: (options) => {
      closing.check()
      return maintenance.snapshot(options)
    },
    statistics: async (selection, options) => {
      closing.check()
      const statistics = await maintenance.statistics(prefix.selection(selection), options)
      return { ...statistics, bytes: statistics.bytes - statistics.keys * prefix.bytes }
    },
    setPrefixQuota: async (under, limits, call) => {
      closing.check()
      await maintenance.setPrefixQuota(prefix.prefix(under), limits, call)
    },
    prefixQuotas: async (call) => {
      closing.check()
      const quotas = await maintenance.prefixQuotas(call)
      return quotas.flatMap((quota) => {
        const inside = prefix.prefixInside(quota.prefix)
        return inside === undefined ? [] : [{ ...quota, prefix: inside }]
      })
    },
  }
}

export function authOf(auth: Auth, closing: Closing): Auth {
  const users = closable(auth.users, USERS, closing)
  const roles = closable(auth.roles, ROLES, closing)
  return { ...closable(auth, AUTH, closing), users, roles }
}

export function clusterOf(cluster: Cluster, closing: Closing): Cluster {
  return closable(cluster, CLUSTER, closing)
}

export function telemetryOf(telemetry: Telemetry, closing: Closing): Telemetry {
  return {
    listen: (listener) => {
      closing.check()
      const stop = telemetry.listen(listener)
      const stopWaiting = closing.onEnd(undefined, stop)
      return () => {
        stopWaiting()
        stop()
      }
    },
    gauges: () => {
      closing.check()
      return telemetry.gauges()
    },
  }
}

type Calls = Readonly<Record<string, (...given: never[]) => Promise<unknown>>>

/** These calls of `part`, refused once the handle is closed. */
function closable<Part extends object, Names extends Partial<Record<keyof Part, true>>>(
  part: Part,
  names: Names,
  closing: Closing,
): Pick<Part, keyof Names & keyof Part> {
  const calls = part as unknown as Calls
  const closables = Object.keys(names).map((name) => {
    const call = async (...given: never[]): Promise<unknown> => {
      closing.check()
      return calls[name]?.(...given)
    }
    return [name, call]
  })
  return Object.fromEntries(closables) as Pick<Part, keyof Names & keyof Part>
}

/** The one table of what is served: the methods of each service as the generated code defines them, and the functions behind. */
import { ElectionService } from '../generated/election.js'
import { LockService } from '../generated/lock.js'
import { HealthService } from '../generated/health.js'
import {
  AuthService,
  ClusterService,
  KVService,
  LeaseService,
  MaintenanceService,
  WatchService,
} from '../generated/rpc.js'
import type { Face } from './face.js'
import type { Duplex, MethodDefinition, Service, Streaming, Unary } from './service.js'
import { authService } from './services/auth.js'
import { clusterService } from './services/cluster.js'
import { electionService } from './services/election.js'
import { lockService } from './services/lock.js'
import { healthService } from './services/health.js'
import { kvService } from './services/kv.js'
import { leaseService } from './services/lease.js'
import { maintenanceService } from './services/maintenance.js'
import { watchService } from './services/watch.js'

/** One method with the function behind it, of whatever types. */
export type ServedMethod = { readonly definition: MethodDefinition<unknown, unknown> } & (
  | { readonly type: 'unary'; readonly perform: Unary<unknown, unknown> }
  | { readonly type: 'streaming'; readonly perform: Streaming<unknown, unknown> }
  | { readonly type: 'duplex'; readonly perform: Duplex<unknown, unknown> }
)

/** All methods, by their paths: `/etcdserverpb.KV/Range`. */
export function methodsOf(face: Face): ReadonlyMap<string, ServedMethod> {
  const methods = [
    served(KVService, kvService(face)),
    served(WatchService, watchService(face)),
    served(AuthService, authService(face)),
    served(ClusterService, clusterService(face)),
    served(MaintenanceService, maintenanceService(face)),
    served(LockService, lockService(face)),
    served(ElectionService, electionService(face)),
    served(LeaseService, leaseService(face)),
    served(HealthService, healthService(face)),
  ].flat()
  return new Map(methods.map((method) => [method.definition.path, method]))
}

function served<Definitions extends object>(definitions: Definitions, service: Service<Definitions>): ServedMethod[] {
  const functions = service as Readonly<Record<string, ServedMethod['perform']>>
  return Object.entries(definitions as Record<string, MethodDefinition<unknown, unknown>>).map(([name, definition]) => {
    const type = definition.requestStream ? 'duplex' : definition.responseStream ? 'streaming' : 'unary'
    // What the types of Service say, for all methods at once.
    return { type, definition, perform: functions[name] } as ServedMethod
  })
}

/** The one table of what is served: the methods of each service as the generated code defines them, and the functions behind. */
import { AssertionError } from '../../base/assert.js'
import { ElectionDefinition, ElectionService } from '../generated/election.js'
import { LockDefinition, LockService } from '../generated/lock.js'
import { HealthDefinition, HealthService } from '../generated/health.js'
import {
  AuthDefinition,
  AuthService,
  ClusterDefinition,
  ClusterService,
  KVDefinition,
  KVService,
  LeaseDefinition,
  LeaseService,
  MaintenanceDefinition,
  MaintenanceService,
  WatchDefinition,
  WatchService,
} from '../generated/rpc.js'
import type { MessageType } from '../wire/encoder.js'
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
export type ServedMethod = {
  readonly definition: MethodDefinition<unknown, unknown>
  readonly responseType: MessageType<unknown>
} & (
  | { readonly type: 'unary'; readonly perform: Unary<unknown, unknown> }
  | { readonly type: 'streaming'; readonly perform: Streaming<unknown, unknown> }
  | { readonly type: 'duplex'; readonly perform: Duplex<unknown, unknown> }
)

/** All methods, by their paths: `/etcdserverpb.KV/Range`. */
export function methodsOf(face: Face): ReadonlyMap<string, ServedMethod> {
  const methods = [
    served(KVService, KVDefinition, kvService(face)),
    served(WatchService, WatchDefinition, watchService(face)),
    served(AuthService, AuthDefinition, authService(face)),
    served(ClusterService, ClusterDefinition, clusterService(face)),
    served(MaintenanceService, MaintenanceDefinition, maintenanceService(face)),
    served(LockService, LockDefinition, lockService(face)),
    served(ElectionService, ElectionDefinition, electionService(face)),
    served(LeaseService, LeaseDefinition, leaseService(face)),
    served(HealthService, HealthDefinition, healthService(face)),
  ].flat()
  return new Map(methods.map((method) => [method.definition.path, method]))
}

/** The messages of a service, whose methods have other keys here than in its definitions: `hashKV`, `hashKv`. */
interface MessageTypes {
  readonly methods: Readonly<Record<string, { readonly name: string; readonly responseType: MessageType<never> }>>
}

function served<Definitions extends object>(
  definitions: Definitions,
  { methods }: MessageTypes,
  service: Service<Definitions>,
): ServedMethod[] {
  const functions = service as Readonly<Record<string, ServedMethod['perform']>>
  const types = new Map(Object.values(methods).map(({ name, responseType }) => [name, responseType]))
  return Object.entries(definitions as Record<string, MethodDefinition<unknown, unknown>>).map(([name, definition]) => {
    const type = definition.requestStream ? 'duplex' : definition.responseStream ? 'streaming' : 'unary'
    const responseType = types.get(definition.path.split('/').at(-1) ?? '')
    if (responseType === undefined) throw new AssertionError(`no message is known that ${definition.path} answers with`)
    // What the types of Service say, for all methods at once.
    return { type, definition, responseType, perform: functions[name] } as ServedMethod
  })
}

/** The methods of a service by their names, made of what the generated code says of them. */
import type { Calls } from './calls.js'
import type { ClientCallOptions, ClientMethod } from './client-method.js'
import type { CallLimits } from './waiting.js'

type FunctionOf<Definition> =
  Definition extends ClientMethod<infer Request, infer Response>
    ? Definition extends { readonly requestStream: true }
      ? (requests: AsyncIterable<Request>, options?: ClientCallOptions) => AsyncIterable<Response>
      : Definition extends { readonly responseStream: true }
        ? (request: Request, options?: ClientCallOptions) => AsyncIterable<Response>
        : (request: Request, options?: ClientCallOptions) => Promise<Response>
    : never

export type Methods<Definitions> = { readonly [Name in keyof Definitions]: FunctionOf<Definitions[Name]> }

/** By the end of their paths. What is not here changes something. */
const READS: ReadonlySet<string> = new Set([
  ...[
    'KV/Range',
    'Cluster/MemberList',
    'Lease/LeaseTimeToLive',
    'Lease/LeaseLeases',
    'Health/Check',
    'Election/Leader',
  ],
  ...['Maintenance/Status', 'Maintenance/Hash', 'Maintenance/HashKV'],
  ...['Auth/AuthStatus', 'Auth/UserGet', 'Auth/UserList', 'Auth/RoleGet', 'Auth/RoleList'],
])

const NO_OPTIONS: ClientCallOptions = {}

export function methodsOf<Definitions extends object>(
  definitions: Definitions,
  calls: Calls,
  limitsOf: (options: ClientCallOptions, defaultMs: number) => CallLimits,
  timeoutMs: number,
): Methods<Definitions> {
  const entries = Object.entries(definitions as Record<string, ClientMethod<unknown, unknown>>).map(
    ([name, method]): [string, unknown] => [name, functionOf(method)],
  )
  return Object.fromEntries(entries) as Methods<Definitions>

  function functionOf(method: ClientMethod<unknown, unknown>): unknown {
    if (method.requestStream) {
      return (requests: AsyncIterable<unknown>, options = NO_OPTIONS) =>
        calls.duplex(method, requests, limitsOf(options, Infinity))
    }
    if (method.responseStream) {
      return (request: unknown, options = NO_OPTIONS) => calls.stream(method, request, limitsOf(options, Infinity))
    }
    const reads = READS.has(method.path.split('.').at(-1) ?? '')
    return async (request: unknown, options = NO_OPTIONS) =>
      calls.unary(method, request, limitsOf(options, timeoutMs), options.repeatable ?? reads)
  }
}

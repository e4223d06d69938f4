/** What is asked of each member by itself. */
import type { EtcdClient } from '../../etcd/client/etcd-client.js'
import { MemberListRequest } from '../../etcd/generated/rpc.js'
import type { Context } from './context.js'
import { CTL_EXIT } from './ctl-error.js'
import type { CtlFlag } from './ctl-flag.js'
import { asEnd } from './operands.js'

export const CLUSTER: CtlFlag = {
  name: 'cluster',
  type: 'boolean',
  summary: 'all members that the cluster has, not --endpoints',
}

export async function endpointsOf(context: Context): Promise<readonly string[]> {
  if (!context.is('cluster')) return context.list('endpoints')
  const client = await context.client()
  const asking = client.cluster.memberList(MemberListRequest.create({ linearizable: true }))
  const { members } = await asEnd(
    asking,
    CTL_EXIT.failed,
    (text) => `failed to fetch endpoints from etcd cluster member list: ${text}`,
  )
  return members.flatMap(({ clientURLs }) => clientURLs)
}

export type Answer<T> =
  { readonly endpoint: string; readonly value: T } | { readonly endpoint: string; readonly error: unknown }

/** Each by a client of its own, side by side. The answers have the order of the endpoints. */
export async function askEach<T>(
  context: Context,
  endpoints: readonly string[],
  ask: (client: EtcdClient, endpoint: string) => Promise<T>,
): Promise<readonly Answer<T>[]> {
  // The password is asked for once, if at all.
  const clients = await Promise.all(endpoints.map((endpoint) => context.clientOf([endpoint])))
  return Promise.all(
    endpoints.map(async (endpoint, at): Promise<Answer<T>> => {
      try {
        return { endpoint, value: await ask(clients[at] as EtcdClient, endpoint) }
      } catch (error) {
        return { endpoint, error }
      }
    }),
  )
}

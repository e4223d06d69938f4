/** What all services share: the store that they put etcd's API on, and what etcd tells of it with each answer. */
import type { Environment } from '../../base/clock.js'
import type { Store } from '../../api/store.js'
import type { ResponseHeader } from '../generated/rpc.js'
import type { Settings } from './options.js'

export interface Face {
  /** The handle that was given: it may do everything. What a client asks for is done with `call.store`. */
  readonly store: Store
  readonly environment: Environment
  readonly settings: Settings
  /** Of an answer: `revision` where the store told one with it, else the store's current one. */
  header(revision?: number): ResponseHeader
}

export function faceOf(store: Store, settings: Settings): Face {
  const { clusterId, memberId } = store.status()
  const [cluster_id, member_id] = [BigInt(clusterId), BigInt(memberId)]
  return {
    store,
    environment: store.environment,
    settings,
    header(revision) {
      const position = store.position()
      return {
        cluster_id,
        member_id,
        revision: BigInt(revision ?? position.revision),
        raft_term: BigInt(position.term),
      }
    },
  }
}

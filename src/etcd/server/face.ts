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

/** Stores over the wire: a member in this process, served, and connected to. */
import { open, type OpenOptions, type Store } from '../../../src/index.js'
import { connect, serveEtcd, type ConnectOptions, type ServeEtcdOptions } from '../../../src/etcd/index.js'

export interface ServedStore {
  /** Over the wire. */
  readonly store: Store
  /** The member itself. */
  readonly member: Store
  readonly endpoints: readonly string[]
  close(): Promise<void>
}

export interface ServedStoreOptions {
  readonly open?: OpenOptions
  readonly serve?: ServeEtcdOptions
  readonly connect?: Omit<ConnectOptions, 'endpoints'>
}

/** A cluster of one, in memory. */
export async function serveAndConnect(options: ServedStoreOptions = {}): Promise<ServedStore> {
  const member = await open({ durability: 'none', ...options.open })
  await member.ready()
  const server = await serveEtcd(member, { listenClientUrls: ['http://127.0.0.1:0'], ...options.serve })
  const store = await connect({ endpoints: server.clientUrls, ...options.connect })
  const close = async (): Promise<void> => {
    await store.close()
    await server.close()
    await member.close()
  }
  return { store, member, endpoints: server.clientUrls, close }
}

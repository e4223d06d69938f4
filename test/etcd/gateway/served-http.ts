/** A server of etcd's API over a store in memory, as clients over HTTP see it. */
import { open, type OpenOptions, type Store } from '../../../src/index.js'
import { serveEtcd, type ServeEtcdOptions } from '../../../src/etcd/index.js'

export interface ServedHttp {
  readonly store: Store
  readonly url: string
  close(): Promise<void>
}

/** One that is not alone has no leader, and none is waited for. */
export async function serve(options: ServeEtcdOptions = {}, openOptions: OpenOptions = {}): Promise<ServedHttp> {
  // Hashing passwords is meant to be slow; here it need not be.
  const scrypt = { costLog2: 10, blockSize: 1, parallelization: 1 }
  const store = await open({ auth: { scrypt }, ...openOptions })
  if (openOptions.cluster === undefined) await store.ready()
  const server = await serveEtcd(store, { listenClientUrls: ['http://127.0.0.1:0'], ...options })
  const close = async (): Promise<void> => {
    await server.close()
    await store.close()
  }
  return { store, url: server.clientUrls[0] ?? '', close }
}

/** The HTTP side of a server alone, over a store in memory. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { open, type Store } from '../../../src/index.js'
import { HttpHandler } from '../../../src/etcd/gateway/http-handler.js'
import { NOT_OBSERVED } from '../../../src/etcd/server/call-observer.js'
import { Callers } from '../../../src/etcd/server/callers.js'
import { faceOf } from '../../../src/etcd/server/face.js'
import { checkOptions } from '../../../src/etcd/server/options.js'
import { methodsOf } from '../../../src/etcd/server/services.js'

export async function serve(): Promise<{ store: Store; target: string; close(): Promise<void> }> {
  const store = await open()
  await store.ready()
  const settings = {
    ...checkOptions({}),
    advertiseClientUrls: [],
    cors: [],
    hostWhitelist: [],
    enableGrpcGateway: true,
  }
  const methods = methodsOf(faceOf(store, settings))
  const handler = new HttpHandler({ store, methods, callers: new Callers(store), settings, observer: NOT_OBSERVED })
  const server = createServer((request, response) => handler.handle(request, response))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const close = async (): Promise<void> => {
    await handler.close()
    server.closeAllConnections()
    server.close()
    await store.close()
  }
  return { store, target: `127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

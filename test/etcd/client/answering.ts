/** A server of etcd's API that answers what a test says, and nothing else: for what no member of ours does. */
import { Server, ServerCredentials, type UntypedServiceImplementation } from '@grpc/grpc-js'
import { KVService, WatchService } from '../../../src/etcd/generated/rpc.js'

export interface Answering {
  readonly endpoint: string
  close(): void
}

/** @param by a handler for each method, by its name in the generated code. */
export async function answering(by: UntypedServiceImplementation): Promise<Answering> {
  const server = new Server()
  for (const [name, method] of Object.entries({ ...KVService, ...WatchService })) {
    const handler = by[name]
    if (handler !== undefined) server.addService({ [name]: method }, { [name]: handler })
  }
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => {
      if (error === null) resolve(bound)
      else reject(error)
    })
  })
  return {
    endpoint: `127.0.0.1:${port}`,
    close: () => {
      server.forceShutdown()
    },
  }
}

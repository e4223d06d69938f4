/** A server of etcd's API over a store in memory, and raw calls to it by the generated definitions. */
import { Client, credentials, Metadata, status, type ChannelOptions, type ServiceError } from '@grpc/grpc-js'
import type { ClientDuplexStream, ClientReadableStream } from '@grpc/grpc-js'
import { open, type OpenOptions, type Store } from '../../src/index.js'
import { serveEtcd, type EtcdServer, type ServeEtcdOptions } from '../../src/etcd/index.js'

export interface Served {
  readonly store: Store
  readonly server: EtcdServer
  /** Where it serves: `127.0.0.1:41234`. */
  readonly target: string
  /** For {@link call}, {@link listen} and {@link duplex}. */
  readonly client: Client
  close(): Promise<void>
}

/** A single member in memory, served on a free port of loopback. */
export async function serve(options: ServeEtcdOptions = {}, openOptions: OpenOptions = {}): Promise<Served> {
  const store = await open(openOptions)
  await store.ready()
  const server = await serveEtcd(store, { listenClientUrls: ['http://127.0.0.1:0'], ...options })
  const target = targetOf(server)
  const client = clientOf(target)
  const close = async (): Promise<void> => {
    client.close()
    await server.close()
    await store.close()
  }
  return { store, server, target, client, close }
}

/** As grpc-js names it. */
export function targetOf({ clientUrls: [url = ''] }: EtcdServer): string {
  return url.startsWith('unix') ? url.replace('unixs://', 'unix://') : new URL(url).host
}

/** With a connection of its own. */
export function clientOf(target: string, by = credentials.createInsecure(), options: ChannelOptions = {}): Client {
  return new Client(target, by, { 'grpc.use_local_subchannel_pool': 1, ...options })
}

/** A method as the generated code defines it: `KVService.range`. */
interface Method<Request, Response> {
  readonly path: string
  readonly requestSerialize: (request: Request) => Buffer
  readonly requestDeserialize: (bytes: Buffer) => Request
  readonly responseDeserialize: (bytes: Buffer) => Response
}

export type Headers = Readonly<Record<string, string>>

/**
 * Makes a unary call. Fields that are left out have their defaults.
 *
 * @example
 * const { kvs } = await call(client, KVService.range, { key: Buffer.from('a') })
 */
export function call<Request extends object, Response>(
  client: Client,
  method: Method<Request, Response>,
  request: Partial<Request> = {},
  headers: Headers = {},
): Promise<Response> {
  return new Promise((resolve, reject) => {
    const { path, requestSerialize, responseDeserialize } = method
    const whole = messageOf(method, request)
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      whole,
      metadataOf(headers),
      (error, response) => {
        if (error === null && response !== undefined) resolve(response)
        else reject(error ?? new TypeError('neither a response nor an error'))
      },
    )
  })
}

/** A stream of responses to one request. */
export function listen<Request extends object, Response>(
  client: Client,
  method: Method<Request, Response>,
  request: Partial<Request> = {},
  headers: Headers = {},
): ClientReadableStream<Response> {
  const { path, requestSerialize, responseDeserialize } = method
  const whole = messageOf(method, request)
  return client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, whole, metadataOf(headers))
}

/** A stream in both directions; what is written has all its fields: see {@link messageOf}. */
export function duplex<Request extends object, Response>(
  client: Client,
  { path, requestSerialize, responseDeserialize }: Method<Request, Response>,
  headers: Headers = {},
): ClientDuplexStream<Request, Response> {
  return client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadataOf(headers))
}

/** A whole request, with the defaults of what is left out. */
export function messageOf<Request extends object>(
  method: Pick<Method<Request, unknown>, 'requestDeserialize'>,
  given: Partial<Request>,
): Request {
  return { ...method.requestDeserialize(Buffer.alloc(0)), ...given }
}

/** The status and text that a call ends with: `INVALID_ARGUMENT etcdserver: key is not provided`; `OK` if it does not fail. */
export async function refusalOf(calling: Promise<unknown> | AsyncIterable<unknown>): Promise<string> {
  try {
    if (calling instanceof Promise) await calling
    else for await (const _ of calling) continue
  } catch (error) {
    const { code, details } = error as ServiceError
    return `${status[code]} ${details}`
  }
  return 'OK'
}

function metadataOf(headers: Headers): Metadata {
  const metadata = new Metadata()
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value)
  return metadata
}

/** etcd's client protocol, as far as the run speaks it: requests as objects in, responses as objects out. */
import { fileURLToPath } from 'node:url'
import * as grpc from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'
import type { SeenError } from './observation.js'

export type Message = Readonly<Record<string, unknown>>

type Method = grpc.MethodDefinition<Message, Message>

const PROTO = fileURLToPath(new URL('../../src/etcd/proto/rpc.proto', import.meta.url))
const PACKAGE = 'etcdserverpb'
const CALL_MS_MAX = 15_000
/** Answers may be larger than what gRPC takes by itself. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024

export class EtcdClient {
  readonly #client: grpc.Client
  readonly #definitions = loadSync(PROTO, { longs: String, enums: String, defaults: true, oneofs: true })

  constructor(address: string) {
    this.#client = new grpc.Client(address, grpc.credentials.createInsecure(), {
      'grpc.max_receive_message_length': ANSWER_BYTES_MAX,
    })
  }

  /** Rejects with an {@link EtcdRefusal} where etcd refuses. */
  call(service: string, method: string, request: Message, token?: string): Promise<Message> {
    const { path, requestSerialize, responseDeserialize } = this.#method(service, method)
    return new Promise((resolve, reject) => {
      const answered = (error: grpc.ServiceError | null, response?: Message): void => {
        if (error !== null) reject(new EtcdRefusal(error))
        else resolve(response ?? {})
      }
      const deadline = Date.now() + CALL_MS_MAX
      const metadata = metadataOf(token)
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        { deadline },
        answered,
      )
    })
  }

  stream(service: string, method: string, token?: string): grpc.ClientDuplexStream<Message, Message> {
    const { path, requestSerialize, responseDeserialize } = this.#method(service, method)
    return this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadataOf(token))
  }

  close(): void {
    this.#client.close()
  }

  #method(service: string, method: string): Method {
    const methods = this.#definitions[`${PACKAGE}.${service}`] as Readonly<Record<string, Method>> | undefined
    const found = methods?.[method]
    if (found === undefined) throw new Error(`rpc.proto has no ${service}.${method}`)
    return found
  }
}

function metadataOf(token: string | undefined): grpc.Metadata {
  const metadata = new grpc.Metadata()
  if (token !== undefined) metadata.set('token', token)
  return metadata
}

/** What etcd said instead of an answer. */
export class EtcdRefusal extends Error {
  readonly seen: SeenError

  constructor(error: grpc.ServiceError) {
    super(error.message, { cause: error })
    this.seen = { status: grpc.status[error.code], text: error.details }
  }
}

/**
 * What a service of etcd's API is here: plain functions from requests to responses, which know nothing of gRPC or HTTP. Two
 * doors lead to them: gRPC (grpc-door.ts) and the JSON gateway (../gateway).
 *
 * Always: what a function throws is a StoreError or a {@link Refusal}; the door makes a status of it. Anything else is a bug,
 * is logged, and told to the client without details.
 * Always: a stream is pulled: nothing is produced that the client has not taken, and it ends when `call.signal` aborts.
 */
import type { Store } from '../../api/store.js'

/** One call, as a service sees it. */
export interface Call {
  /** The store on behalf of whoever calls. */
  readonly store: Store
  /** Aborts when the client has given up, its deadline has passed, its connection is gone, or this server closes. */
  readonly signal: AbortSignal
}

export type Unary<Request, Response> = (request: Request, call: Call) => Promise<Response>

/** One request, many responses. */
export type Streaming<Request, Response> = (request: Request, call: Call) => AsyncIterable<Response>

/** Many requests, many responses. */
export type Duplex<Request, Response> = (requests: AsyncIterable<Request>, call: Call) => AsyncIterable<Response>

/** What the generated code says of one method. */
export interface MethodDefinition<Request, Response> {
  readonly path: string
  readonly requestStream: boolean
  readonly responseStream: boolean
  readonly requestDeserialize: (bytes: Buffer) => Request
  readonly responseSerialize: (response: Response) => Buffer
}

type FunctionFor<Definition> =
  Definition extends MethodDefinition<infer Request, infer Response>
    ? Definition extends { readonly requestStream: true }
      ? Duplex<Request, Response>
      : Definition extends { readonly responseStream: true }
        ? Streaming<Request, Response>
        : Unary<Request, Response>
    : never

/** All methods of a service, by their names: `Service<typeof KVService>`. */
export type Service<Definitions> = { readonly [Name in keyof Definitions]: FunctionFor<Definitions[Name]> }

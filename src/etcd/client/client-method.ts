/** What is known of a method of etcd's API, and what a call of it may be told. */

/** What the generated code says of one method, as a client sees it. */
export interface ClientMethod<Request, Response> {
  readonly path: string
  readonly requestStream: boolean
  readonly responseStream: boolean
  readonly requestSerialize: (request: Request) => Buffer
  readonly responseDeserialize: (bytes: Buffer) => Response
}

export interface ClientCallOptions {
  readonly signal?: AbortSignal | undefined
  /** Milliseconds after which it ends with `TIMEOUT`. Default: of `connect()` for single calls, none for streams. */
  readonly timeoutMs?: number | undefined
  /** It may be made twice without harm. Default: whatever only reads. */
  readonly repeatable?: boolean | undefined
}

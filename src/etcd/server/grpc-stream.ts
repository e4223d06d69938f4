/**
 * The two directions of a stream over gRPC, as a service sees them: requests that it takes one after the other, and responses
 * that are pulled from it only as fast as the client takes them.
 */
import type { ServerDuplexStream, ServerWritableStream } from '@grpc/grpc-js'
import { LIMITS } from '../../base/limits.js'
import type { ObservedCall } from './call-observer.js'
import type { Received } from './grpc-definition.js'

/** The requests of a stream, until the client says that there are no more, or is gone. */
export class Requests implements AsyncIterableIterator<unknown> {
  readonly #stream: ServerDuplexStream<Received, Buffer>
  readonly #observed: ObservedCall
  #waiting: ((taken: IteratorResult<unknown>) => void) | undefined
  #refuse: ((refusal: unknown) => void) | undefined
  #ended = false

  constructor(stream: ServerDuplexStream<Received, Buffer>, observed: ObservedCall) {
    this.#stream = stream
    this.#observed = observed
    stream.on('readable', () => this.#serve())
    for (const event of ['end', 'close', 'cancelled']) stream.on(event, () => this.#end())
  }

  /** By one consumer at a time. Rejects with a Refusal for a request that is none to be looked at. */
  next(): Promise<IteratorResult<unknown>> {
    return new Promise((resolve, reject) => {
      this.#waiting = resolve
      this.#refuse = reject
      this.#serve()
    })
  }

  /** The stream itself goes on: responses may still be sent. */
  async return(): Promise<IteratorResult<unknown>> {
    this.#end()
    return { done: true, value: undefined }
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  #serve(): void {
    if (this.#waiting === undefined) return
    if (this.#ended) {
      this.#end()
      return
    }
    const received = this.#stream.read() as Received | null
    if (received === null) return
    const [resolve, reject] = [this.#waiting, this.#refuse]
    this.#waiting = undefined
    try {
      resolve({ done: false, value: received.open(this.#observed) })
    } catch (error) {
      reject?.(error)
    }
  }

  #end(): void {
    this.#ended = true
    this.#waiting?.({ done: true, value: undefined })
    this.#waiting = undefined
  }
}

export type Outgoing = ServerWritableStream<Received, Buffer> | ServerDuplexStream<Received, Buffer>

/** Sends all that `responses` gives, or as much as the client wants. Rejects as they do. */
export async function sendAll(
  stream: Outgoing,
  responses: AsyncIterable<unknown>,
  serialize: (response: unknown) => Buffer,
  observed: ObservedCall,
): Promise<void> {
  let pendingBytes = 0
  let wake: (() => void) | undefined
  // What the client did not take by then it never will.
  stream.once('cancelled', () => wake?.())
  for await (const response of responses) {
    if (isOver(stream)) return
    const bytes = serialize(response)
    observed.sent(bytes.length)
    pendingBytes += bytes.length
    stream.write(bytes, () => {
      pendingBytes -= bytes.length
      if (pendingBytes <= LIMITS.etcdStreamPendingBytesMax) wake?.()
    })
    if (pendingBytes > LIMITS.etcdStreamPendingBytesMax) {
      await new Promise<void>((resolve) => {
        wake = resolve
      })
      wake = undefined
    }
    if (isOver(stream)) return
  }
}

/** Its client has gone, or it was ended with a status of its own, behind which nothing may be sent. */
function isOver(stream: Outgoing): boolean {
  return stream.cancelled || stream.writableEnded || stream.destroyed
}

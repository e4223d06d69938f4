/** A stream of requests and responses under way: taken response by response, as fast as its user likes. */
import type { ClientDuplexStream, ServiceError } from '@grpc/grpc-js'
import type { Cancel } from '../../base/clock.js'
import type { StoreError } from '../../base/errors.js'

export interface DuplexCallParts {
  /** Calls `action` when whoever opened it gives it up. */
  onAbort(action: () => void): Cancel
  /** A response came. */
  worked(): void
  errorOf(error: ServiceError): StoreError
}

export class DuplexCall<Request, Response> {
  readonly #stream: ClientDuplexStream<Request, Response>
  readonly #parts: DuplexCallParts
  readonly #responses: AsyncIterator<Response, undefined>
  readonly #deafen: Cancel
  #cancelled = false

  constructor(stream: ClientDuplexStream<Request, Response>, parts: DuplexCallParts) {
    this.#stream = stream
    this.#parts = parts
    // Whoever takes responses is told of an error; while nobody does, it must not end the process.
    stream.on('error', () => undefined)
    this.#responses = stream[Symbol.asyncIterator]() as AsyncIterator<Response, undefined>
    this.#deafen = parts.onAbort(() => {
      stream.cancel()
    })
  }

  /** Dropped where the stream has ended: then `next` tells. */
  write(request: Request): void {
    if (this.#stream.writable) this.#stream.write(request)
  }

  /** No more requests. */
  end(): void {
    if (this.#stream.writable) this.#stream.end()
  }

  /** All of them, no faster than the server takes them; then no more. */
  async sendAll(requests: AsyncIterator<Request>): Promise<void> {
    try {
      for (;;) {
        const next = await requests.next()
        if (next.done === true) break
        if (!this.#stream.writable) return
        if (!this.#stream.write(next.value)) await this.#drained()
      }
      this.end()
    } catch {
      // What the source of requests throws ends the call; whoever takes responses is told that it was cancelled.
      this.cancel()
    }
  }

  /** Undefined at the end. Rejects with what the stream failed with. */
  async next(): Promise<Response | undefined> {
    try {
      const next = await this.#responses.next()
      if (next.done === true) {
        this.#deafen()
        return undefined
      }
      this.#parts.worked()
      return next.value
    } catch (error) {
      this.#deafen()
      if (this.#cancelled) return undefined
      throw this.#parts.errorOf(error as ServiceError)
    }
  }

  /** Whoever waits for a response is told the end. */
  cancel(): void {
    this.#cancelled = true
    this.#deafen()
    this.#stream.cancel()
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      const goOn = (): void => {
        this.#stream.off('drain', goOn)
        this.#stream.off('close', goOn)
        resolve()
      }
      this.#stream.on('drain', goOn)
      this.#stream.on('close', goOn)
    })
  }
}

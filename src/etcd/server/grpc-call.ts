/** One call over gRPC, as a service sees it. */
import type { Metadata } from '@grpc/grpc-js'
import type { Store } from '../../api/store.js'
import type { Call } from './service.js'

/** What all kinds of calls of grpc-js have in common, as far as it is used here. */
export interface SurfaceCall {
  readonly cancelled: boolean
  readonly metadata: Metadata
  once(event: 'cancelled', listener: () => void): unknown
}

export class GrpcCall implements Call {
  readonly store: Store
  readonly #call: SurfaceCall
  readonly #closing: AbortSignal
  /** Made when somebody asks for it: most calls are over before anybody could abort them. */
  #controller: AbortController | undefined

  /** @param closing aborts when the server ends what is under way. */
  constructor(store: Store, call: SurfaceCall, closing: AbortSignal) {
    this.store = store
    this.#call = call
    this.#closing = closing
  }

  get signal(): AbortSignal {
    this.#controller ??= this.#watch(new AbortController())
    return this.#controller.signal
  }

  #watch(controller: AbortController): AbortController {
    const abort = (): void => controller.abort()
    if (this.#call.cancelled || this.#closing.aborted) {
      abort()
      return controller
    }
    this.#closing.addEventListener('abort', abort, { once: true })
    // Told of every call that ends, however it does.
    this.#call.once('cancelled', () => {
      this.#closing.removeEventListener('abort', abort)
      abort()
    })
    return controller
  }
}

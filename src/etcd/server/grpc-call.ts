/** One call over gRPC, as a service sees it. */
import type { Metadata, ServerUnaryCall } from '@grpc/grpc-js'
import type { AbortSignals } from '../../base/abort-signals.js'
import type { Store } from '../../api/store.js'
import type { Call } from './service.js'

/** What all kinds of calls of grpc-js have in common, as far as it is used here. */
export interface SurfaceCall {
  readonly cancelled: boolean
  readonly metadata: Metadata
  /** Where its connection comes from. */
  getPeer(): string
  /** With the certificate of the other side, where it has one and the connection is encrypted. */
  getAuthContext(): ReturnType<ServerUnaryCall<unknown, unknown>['getAuthContext']>
  once(event: 'cancelled', listener: () => void): unknown
}

/** Aborts when the server ends what is under way; one listener for all calls. */
export interface Closing {
  readonly signal: AbortSignal
  readonly listeners: AbortSignals
}

export class GrpcCall implements Call {
  readonly store: Store
  readonly #call: SurfaceCall
  readonly #closing: Closing
  /** Made when somebody asks for it: most calls are over before anybody could abort them. */
  #controller: AbortController | undefined

  constructor(store: Store, call: SurfaceCall, closing: Closing) {
    this.store = store
    this.#call = call
    this.#closing = closing
  }

  get signal(): AbortSignal {
    this.#controller ??= this.#watch(new AbortController())
    return this.#controller.signal
  }

  #watch(controller: AbortController): AbortController {
    const { signal, listeners } = this.#closing
    const abort = (): void => controller.abort()
    if (this.#call.cancelled || signal.aborted) {
      abort()
      return controller
    }
    const unlisten = listeners.onAbort(signal, abort)
    // Told of every call that ends, however it does.
    this.#call.once('cancelled', () => {
      unlisten()
      abort()
    })
    return controller
  }
}

/** One call through the gateway, as a service sees it. */
import type { ServerResponse } from 'node:http'
import type { Store } from '../../api/store.js'
import type { Closing } from '../server/grpc-call.js'
import type { Call } from '../server/service.js'

export class HttpCall implements Call {
  readonly store: Store
  readonly #response: ServerResponse
  readonly #closing: Closing
  /** Made when somebody asks for it: most calls are over before anybody could abort them. */
  #controller: AbortController | undefined

  constructor(store: Store, response: ServerResponse, closing: Closing) {
    this.store = store
    this.#response = response
    this.#closing = closing
  }

  get signal(): AbortSignal {
    this.#controller ??= this.#watch(new AbortController())
    return this.#controller.signal
  }

  #watch(controller: AbortController): AbortController {
    const { signal, listeners } = this.#closing
    const abort = (): void => controller.abort()
    if (this.#response.closed || signal.aborted) {
      abort()
      return controller
    }
    const unlisten = listeners.onAbort(signal, abort)
    // Comes with every response: when all of it is sent, or when the client has gone.
    this.#response.once('close', () => {
      unlisten()
      abort()
    })
    return controller
  }
}

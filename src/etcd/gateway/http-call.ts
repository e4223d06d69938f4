/** One call through the gateway, as a service sees it. */
import type { ServerResponse } from 'node:http'
import type { Store } from '../../api/store.js'
import type { Call } from '../server/service.js'

export class HttpCall implements Call {
  readonly store: Store
  readonly #response: ServerResponse
  readonly #closing: AbortSignal
  /** Made when somebody asks for it: most calls are over before anybody could abort them. */
  #controller: AbortController | undefined

  /** @param closing aborts when the server ends what is under way. */
  constructor(store: Store, response: ServerResponse, closing: AbortSignal) {
    this.store = store
    this.#response = response
    this.#closing = closing
  }

  get signal(): AbortSignal {
    this.#controller ??= this.#watch(new AbortController())
    return this.#controller.signal
  }

  #watch(controller: AbortController): AbortController {
    const abort = (): void => controller.abort()
    if (this.#response.closed || this.#closing.aborted) {
      abort()
      return controller
    }
    this.#closing.addEventListener('abort', abort, { once: true })
    // Comes with every response: when all of it is sent, or when the client has gone.
    this.#response.once('close', () => {
      this.#closing.removeEventListener('abort', abort)
      abort()
    })
    return controller
  }
}

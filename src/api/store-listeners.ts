/** Tells the users of a store what happens to it. A listener that throws harms nobody but itself. */
import type { Logger } from '../base/logger.js'
import { quote } from '../base/quote.js'
import type { StoreEvents } from './store.js'

/** @internal For whoever implements a store. */
export class StoreListeners {
  readonly #listeners = {
    leader: new Set<StoreEvents['leader']>(),
    failed: new Set<StoreEvents['failed']>(),
    removed: new Set<StoreEvents['removed']>(),
    closed: new Set<StoreEvents['closed']>(),
  }

  readonly #logger: Logger

  constructor(logger: Logger) {
    this.#logger = logger
  }

  /** Returns what takes the listener off again. */
  add<Name extends keyof StoreEvents>(event: Name, listener: StoreEvents[Name]): () => void {
    if (!Object.hasOwn(this.#listeners, event)) {
      throw new TypeError(
        `there is no event ${quote(String(event))}: a store has 'leader', 'failed', 'removed' and 'closed'`,
      )
    }
    if (typeof listener !== 'function') throw new TypeError(`a listener must be a function, not ${typeof listener}`)
    const listeners = this.#listeners[event] as Set<StoreEvents[Name]>
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
    }
  }

  leaderChanged(leader: string | undefined, term: number): void {
    for (const listener of this.#listeners.leader) this.#tell('leader', () => listener({ leader, term }))
  }

  failed(error: Error): void {
    for (const listener of this.#listeners.failed) this.#tell('failed', () => listener(error))
  }

  removed(): void {
    for (const listener of this.#listeners.removed) this.#tell('removed', () => listener())
  }

  /** For each once. */
  closed(): void {
    const listeners = [...this.#listeners.closed]
    this.#listeners.closed.clear()
    for (const listener of listeners) this.#tell('closed', () => listener())
  }

  /** In a microtask of its own, so that a listener never runs in the middle of a step of the member. */
  #tell(event: keyof StoreEvents, tell: () => unknown): void {
    // The listener may be an async function, whatever its type says.
    void Promise.resolve()
      .then(tell)
      .catch((error: unknown) => {
        this.#logger.error('a listener threw', {
          event,
          reason: error instanceof Error ? error.message : String(error),
        })
      })
  }
}

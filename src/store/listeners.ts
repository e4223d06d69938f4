/** Tells the users of a store what happens to its member. A listener that throws harms nobody but itself. */
import type { StoreEvents } from '../api/store.js'
import type { MemberListener } from '../member/member.js'

export class Listeners implements MemberListener {
  readonly #listeners = { leader: new Set<StoreEvents['leader']>(), failed: new Set<StoreEvents['failed']>() }

  /** Returns what takes the listener off again. */
  add<Name extends keyof StoreEvents>(event: Name, listener: StoreEvents[Name]): () => void {
    const listeners = this.#listeners[event] as Set<StoreEvents[Name]>
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
    }
  }

  /** In a microtask of its own each: what a listener throws does not reach the member. */
  leaderChanged(leader: string | undefined, term: number): void {
    for (const listener of this.#listeners.leader) queueMicrotask(() => listener({ leader, term }))
  }

  failed(error: Error): void {
    for (const listener of this.#listeners.failed) queueMicrotask(() => listener(error))
  }
}

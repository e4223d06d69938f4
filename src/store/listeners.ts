/** Tells the users of a store what happens to its member. A listener that throws harms nobody but itself. */
import type { StoreEvents } from '../api/store.js'
import type { MemberListener } from '../member/member.js'
import { NOBODY, type NodeId } from '../raft/types.js'
import type { Settings } from './options.js'

export class Listeners implements MemberListener {
  readonly #settings: Settings
  readonly #listeners = { leader: new Set<StoreEvents['leader']>(), failed: new Set<StoreEvents['failed']>() }

  constructor(settings: Settings) {
    this.#settings = settings
  }

  /** Returns what takes the listener off again. */
  add<Name extends keyof StoreEvents>(event: Name, listener: StoreEvents[Name]): () => void {
    const listeners: Set<StoreEvents[Name]> = this.#listeners[event]
    listeners.add(listener)
    return () => {
      listeners.delete(listener)
    }
  }

  leaderChanged(leader: NodeId, term: number): void {
    const name = leader === NOBODY ? undefined : this.#settings.members.find(({ id }) => id === leader)?.name
    for (const listener of this.#listeners.leader) queueMicrotask(() => { listener({ leader: name, term }) })
  }

  failed(error: Error): void {
    for (const listener of this.#listeners.failed) queueMicrotask(() => { listener(error) })
  }
}

/**
 * Ends the streams that want a member with a leader (`hasleader`) once there has been none for three election timeouts: a
 * client of a member that is cut off goes to another one.
 */
import type { Cancel } from '../../base/clock.js'
import type { Store } from '../../api/store.js'

const ELECTION_TIMEOUTS = 3

export class LeaderWatch {
  readonly #store: Store
  readonly #waitMs: number
  readonly #listeners = new Set<() => void>()
  readonly #unlisten: Cancel
  #wait: Cancel | undefined

  constructor(store: Store) {
    this.#store = store
    this.#waitMs = ELECTION_TIMEOUTS * store.status().electionTimeoutMs
    this.#unlisten = store.on('leader', ({ leader }) => this.#changed(leader))
    this.#changed(store.position().leader)
  }

  /** Calls `lost` when there is none any more, until what this gives is called. */
  watch(lost: () => void): Cancel {
    this.#listeners.add(lost)
    return () => this.#listeners.delete(lost)
  }

  close(): void {
    this.#unlisten()
    this.#wait?.()
    this.#listeners.clear()
  }

  #changed(leader: string | undefined): void {
    if (leader !== undefined) {
      this.#wait?.()
      this.#wait = undefined
      return
    }
    this.#wait ??= this.#store.environment.timers.after(this.#waitMs, () => {
      this.#wait = undefined
      for (const lost of this.#listeners) lost()
      // Those that come meanwhile are refused at once; this is for what is between.
      if (this.#listeners.size > 0) this.#changed(undefined)
    })
  }
}

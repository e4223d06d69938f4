/** What a process sees of a job in the store, kept up to date by a watch. */
import type { KeyValue } from '../../api/key-value.js'
import type { Revision } from '../../api/operations.js'
import type { Store, WatchEvent } from '../../api/store.js'
import { readRecord, type JobKeys, type JobRecord } from './job-record.js'
import type { Patience } from '../patience.js'
import { endedByItself } from '../ended-by-itself.js'
import { isForgotten } from '../failures.js'

export class JobView {
  readonly #store: Store
  readonly #keys: JobKeys
  readonly #changed: () => void
  #state: KeyValue | undefined
  #run: KeyValue | undefined
  #revision: Revision = 0
  #version = 0

  /** `changed` is told of every change that was taken in. */
  constructor(store: Store, keys: JobKeys, changed: () => void) {
    this.#store = store
    this.#keys = keys
    this.#changed = changed
  }

  /** Another one after each change. 0: nothing was seen yet. */
  get version(): number {
    return this.#version
  }

  /** Everything up to here was seen. */
  get revision(): Revision {
    return this.#revision
  }

  /** Throws `MALFORMED` where somebody else wrote it. */
  get record(): JobRecord | undefined {
    return this.#state === undefined ? undefined : readRecord(this.#state)
  }

  /** The same; undefined as well where it cannot be read. */
  get readable(): JobRecord | undefined {
    try {
      return this.record
    } catch {
      return undefined
    }
  }

  /** 0: there is no record. */
  get stateRevision(): Revision {
    return this.#state?.modRevision ?? 0
  }

  get run(): KeyValue | undefined {
    return this.#run
  }

  /** Until `patience` is over. Rejects with its reason, or with an error of the store that does not pass. */
  async follow(patience: Patience): Promise<never> {
    for (;;) await patience.insist((signal) => this.#follow(signal))
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { prefix, state, run } = this.#keys
    const { items, revision } = await this.#store.range({ prefix }, { signal })
    this.#state = items.find(({ key }) => key === state)
    this.#run = items.find(({ key }) => key === run)
    this.#saw(revision)
    try {
      for await (const event of this.#store.watch({ prefix }, { startRevision: revision + 1, signal }))
        this.#take(event)
    } catch (error) {
      if (!isForgotten(error)) throw error
      return
    }
    return endedByItself(this.#store, { prefix }, signal)
  }

  /** The two changes of one revision come one after the other, in the order in which they were made: `run` is there before the new `state`, and goes after it. */
  #take({ key, type, keyValue, revision }: WatchEvent): void {
    const now = type === 'put' ? keyValue : undefined
    if (key === this.#keys.state) this.#state = now
    else if (key === this.#keys.run) this.#run = now
    else return
    this.#saw(revision)
  }

  #saw(revision: Revision): void {
    this.#revision = revision
    this.#version++
    this.#changed()
  }
}

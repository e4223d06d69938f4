/**
 * Every change of the store, by revision, as the first member applied it. That the others apply the same is what the
 * checkers see to (R5, R18).
 */
import type { WatchEvent } from '../../api/store.js'
import type { Applied } from '../../machine/outcome.js'
import type { Event, KeyValue } from '../../mvcc/types.js'
import { watchEventOf } from '../../store/results.js'

export interface Change {
  readonly revision: number
  readonly event: Event
  /** What the key was before, by what was applied before: not by what the store says of it. */
  readonly previous: KeyValue | undefined
}

/** The revision of an empty store. */
const FIRST_REVISION = 1

export class Ledger {
  readonly #changes: Change[] = []
  /** Where the changes of a revision begin, from the first change on. */
  readonly #starts: number[] = []
  readonly #latest = new Map<string, KeyValue>()

  get revision(): number {
    return FIRST_REVISION + this.#starts.length
  }

  get changes(): readonly Change[] {
    return this.#changes
  }

  /** The changes that are new to it. */
  applied({ revision, events }: Applied): readonly Change[] {
    if (events.length === 0 || revision !== this.revision + 1) return []
    const at = this.#changes.length
    this.#starts.push(at)
    for (const event of events) this.#add(revision, event)
    return this.#changes.slice(at)
  }

  #add(revision: number, event: Event): void {
    const { type, keyValue } = event
    this.#changes.push({ revision, event, previous: this.#latest.get(keyValue.key) })
    if (type === 'put') this.#latest.set(keyValue.key, keyValue)
    else this.#latest.delete(keyValue.key)
  }

  /** Where the changes from this revision on begin. */
  startOf(revision: number): number {
    const at = Math.max(0, revision - FIRST_REVISION - 1)
    return this.#starts[at] ?? this.#changes.length
  }

  /** As a watch of everything would tell it. */
  watchEvents(): WatchEvent[] {
    return this.#changes.map(({ event }) => watchEventOf(event))
  }
}

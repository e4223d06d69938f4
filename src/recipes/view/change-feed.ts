/**
 * What one consumer of a view's changes has not taken yet.
 *
 * Always: it is bounded, and whoever has taken all of it knows what the view shows. As long as few changes wait, each is
 * told. When there are more than that, those of one key become one, from what the consumer last knew to what is now: what
 * waits is then at most one change for each key that the view shows or that the consumer knows of. To drop the oldest
 * instead would leave the consumer with keys that are long gone; to make the view wait would leave everybody else behind.
 */
import type { Key } from '../../base/bytes.js'
import { LIMITS } from '../../base/limits.js'
import type { Difference, ViewChange, ViewChanges } from './view-change.js'

export class ChangeFeed<Value> implements ViewChanges<Value> {
  readonly #changesMax: number
  readonly #onEnd: () => void
  /** In the order of their revisions; under their keys once `#merged`, under numbers before. */
  #waiting = new Map<Key | number, Difference<Value>>()
  #merged = false
  #bytes = 0
  #count = 0
  #ended = false
  #failure: { readonly error: unknown } | undefined
  /** Calls of `next` that wait. */
  #takers: (() => void)[] = []

  constructor(changesMax: number, onEnd: () => void) {
    this.#changesMax = changesMax
    this.#onEnd = onEnd
  }

  get backlog(): number {
    return this.#waiting.size
  }

  push(differences: readonly Difference<Value>[]): void {
    if (this.#ended) return
    for (const difference of differences) {
      if (!this.#merged && this.#isFull) this.#mergeAll()
      if (this.#merged) this.#merge(difference)
      else this.#add(this.#count++, difference)
    }
    this.#wake()
  }

  /** The loop over it throws this once it has taken what waits. */
  fail(error: unknown): void {
    if (this.#ended) return
    this.#failure = { error }
    this.#end()
  }

  /** The loop over it ends now. */
  close(): void {
    if (this.#ended) return
    this.#waiting.clear()
    this.#end()
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<ViewChange<Value>, undefined>> {
    while (this.#waiting.size === 0 && !this.#ended) {
      await new Promise<void>((resolve) => this.#takers.push(resolve))
    }
    for (const [at, { change }] of this.#waiting) {
      this.#take(at)
      if (this.#waiting.size === 0) this.#merged = false
      return { done: false, value: change }
    }
    const failure = this.#failure
    this.#failure = undefined
    if (failure !== undefined) throw failure.error
    return { done: true, value: undefined }
  }

  return(): Promise<IteratorResult<ViewChange<Value>, undefined>> {
    this.#waiting.clear()
    this.#failure = undefined
    this.close()
    return Promise.resolve({ done: true, value: undefined })
  }

  #end(): void {
    this.#ended = true
    this.#onEnd()
    this.#wake()
  }

  #wake(): void {
    const takers = this.#takers
    this.#takers = []
    for (const take of takers) take()
  }

  get #isFull(): boolean {
    return this.#waiting.size >= this.#changesMax || this.#bytes > LIMITS.viewChangesBytesMax
  }

  #add(at: Key | number, difference: Difference<Value>): void {
    this.#waiting.set(at, difference)
    this.#bytes += difference.bytes
  }

  #take(at: Key | number): Difference<Value> | undefined {
    const taken = this.#waiting.get(at)
    if (taken === undefined) return undefined
    this.#waiting.delete(at)
    this.#bytes -= taken.bytes
    return taken
  }

  #mergeAll(): void {
    const differences = this.#waiting.values()
    this.#waiting = new Map()
    this.#bytes = 0
    this.#merged = true
    for (const difference of differences) this.#merge(difference)
  }

  /** Put behind the others, since its revision is the largest. */
  #merge(difference: Difference<Value>): void {
    const { at, change } = difference
    const earlier = this.#take(at)
    if (earlier === undefined) {
      this.#add(at, difference)
      return
    }
    const { known } = earlier
    // The consumer never heard of the key: keys that come and go must not add up while it is away.
    if (change.type === 'delete' && !known) return
    this.#add(at, { ...difference, known, change: { ...change, previous: earlier.change.previous } })
  }
}

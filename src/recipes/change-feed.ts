/**
 * What one consumer of a view's changes has not taken yet.
 *
 * Always: it is bounded, and whoever has taken all of it knows what the view shows. As long as few changes wait, each is
 * told. When there are more than that, those of one key become one, from what the consumer last knew to what is now: what
 * waits is then at most one change for each key that the view shows or that the consumer knows of. To drop the oldest
 * instead would leave the consumer with keys that are long gone; to make the view wait would leave everybody else behind.
 */
import type { Key } from '../base/bytes.js'
import type { Difference, ViewChange } from './view-change.js'

export class ChangeFeed<Value> implements AsyncIterableIterator<ViewChange<Value>, undefined> {
  readonly #changesMax: number
  readonly #onEnd: () => void
  /** In the order of their revisions; under their keys once `#merged`, under numbers before. */
  #waiting = new Map<Key | number, Difference<Value>>()
  #merged = false
  #count = 0
  #ended = false
  #failure: { readonly error: unknown } | undefined
  /** Calls of `next` that wait. */
  #takers: (() => void)[] = []

  constructor(changesMax: number, onEnd: () => void) {
    this.#changesMax = changesMax
    this.#onEnd = onEnd
  }

  /** How many changes wait. */
  get size(): number {
    return this.#waiting.size
  }

  push(differences: readonly Difference<Value>[]): void {
    if (this.#ended) return
    for (const difference of differences) {
      if (!this.#merged && this.#waiting.size >= this.#changesMax) this.#mergeAll()
      if (this.#merged) this.#merge(difference)
      else this.#waiting.set(this.#count++, difference)
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
      this.#waiting.delete(at)
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

  #mergeAll(): void {
    const differences = this.#waiting.values()
    this.#waiting = new Map()
    this.#merged = true
    for (const difference of differences) this.#merge(difference)
  }

  /** Put behind the others, since its revision is the largest. */
  #merge({ at, known, change }: Difference<Value>): void {
    const earlier = this.#waiting.get(at)
    if (earlier === undefined) {
      this.#waiting.set(at, { at, known, change })
      return
    }
    this.#waiting.delete(at)
    // The consumer never heard of the key: keys that come and go must not add up while it is away.
    if (change.type === 'delete' && !earlier.known) return
    const { previous } = earlier.change
    this.#waiting.set(at, { at, known: earlier.known, change: { ...change, previous } })
  }
}

/**
 * What many producers have for one consumer, who takes it one after the other: the responses of a stream.
 *
 * Always: whoever sends is told when it was taken, and waits with what comes next; so what is in here is bounded by the number
 * of those who send.
 */
import { Queue } from '../../../base/queue.js'

interface Waiting<T> {
  readonly item: T
  readonly taken: () => void
}

export class Outbox<T> implements AsyncIterable<T> {
  readonly #waiting = new Queue<Waiting<T>>()
  #ended = false
  #failure: { readonly error: unknown } | undefined
  #wake: (() => void) | undefined

  /** Nothing is taken any more. */
  get ended(): boolean {
    return this.#ended
  }

  /** Resolves when the consumer has taken it and come for more; or never will. */
  send(item: T): Promise<void> {
    if (this.#ended) return Promise.resolve()
    return new Promise((taken) => {
      this.#waiting.push({ item, taken })
      this.#wake?.()
    })
  }

  /** Whatever waits is dropped, and the consumer told that this was all. */
  end(): void {
    if (this.#ended) return
    this.#ended = true
    for (let left = this.#waiting.shift(); left !== undefined; left = this.#waiting.shift()) left.taken()
    this.#wake?.()
  }

  /** As {@link end}, but the consumer is told what happened. */
  fail(error: unknown): void {
    if (this.#ended) return
    this.#failure = { error }
    this.end()
  }

  /** For one consumer. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error
      if (this.#ended) return
      const next = this.#waiting.shift()
      if (next === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        this.#wake = undefined
        continue
      }
      try {
        yield next.item
      } finally {
        next.taken()
      }
    }
  }
}

/** A watch of a namespace: that of the store, its keys translated, ended with the namespace. */
import type { Cancel } from '../base/clock.js'
import type { Closing } from './closing.js'
import type { KeyPrefix } from './key-prefix.js'
import type { Revision } from './operations.js'
import type { Watch, WatchBatch, WatchEvent } from './watch.js'

export class NamespaceWatch implements Watch {
  readonly #watch: Watch
  readonly #prefix: KeyPrefix
  readonly #stopListening: Cancel

  constructor(watch: Watch, prefix: KeyPrefix, closing: Closing, signal: AbortSignal | undefined) {
    this.#watch = watch
    this.#prefix = prefix
    this.#stopListening = closing.onEnd(signal, () => void watch.close())
  }

  get revision(): Revision {
    return this.#watch.revision
  }

  opened(): Promise<void> {
    return this.#watch.opened()
  }

  [Symbol.asyncIterator](): AsyncIterator<WatchEvent, undefined> {
    return this.#translated(this.#watch, (event) => this.#prefix.event(event))
  }

  batches(): AsyncIterable<WatchBatch> {
    const batches = this.#watch.batches()
    return { [Symbol.asyncIterator]: () => this.#translated(batches, (batch) => this.#prefix.batch(batch)) }
  }

  requestProgress(): void {
    this.#watch.requestProgress()
  }

  close(): Promise<void> {
    this.#stopListening()
    return this.#watch.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #translated<Item>(items: AsyncIterable<Item>, translate: (item: Item) => Item): AsyncIterator<Item, undefined> {
    const iterator = items[Symbol.asyncIterator]()
    return {
      next: async () => {
        try {
          const next = await iterator.next()
          if (next.done !== true) return { done: false, value: translate(next.value) }
        } catch (error) {
          this.#stopListening()
          throw error
        }
        this.#stopListening()
        return { done: true, value: undefined }
      },
      return: async () => {
        await this.close()
        return { done: true, value: undefined }
      },
    }
  }
}

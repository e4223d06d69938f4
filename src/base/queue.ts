/**
 * First in, first out, however long it is, without ever moving what waits: what comes is put behind one array while
 * another is taken from the front. (`shift` moves a large array at each call; a Set, which keeps its order too, hashes
 * what it holds, and is rebuilt as a whole now and then.)
 */
export class Queue<T> {
  #front: (T | undefined)[] = []
  /** Where in `#front` the first one stands. */
  #at = 0
  #back: T[] = []

  get size(): number {
    return this.#front.length - this.#at + this.#back.length
  }

  /** The one that waits longest. */
  get first(): T | undefined {
    if (this.#at === this.#front.length) this.#turn()
    return this.#front[this.#at]
  }

  push(item: T): void {
    this.#back.push(item)
  }

  /** Takes the first one off. */
  shift(): T | undefined {
    const { first } = this
    if (this.#at < this.#front.length) this.#front[this.#at++] = undefined
    return first
  }

  #turn(): void {
    this.#front = this.#back
    this.#back = []
    this.#at = 0
  }
}

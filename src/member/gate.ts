/** Lets so many in at a time; the others wait, first come first served. */
export class Gate {
  readonly #width: number
  readonly #waiting: (() => void)[] = []
  #inside = 0

  constructor(width: number) {
    this.#width = width
  }

  async run<T>(action: () => Promise<T>): Promise<T> {
    if (this.#inside < this.#width) this.#inside++
    else await new Promise<void>((resolve) => this.#waiting.push(resolve))
    try {
      return await action()
    } finally {
      // Whoever goes in next takes over the place, so that nobody who comes just now slips in before.
      const next = this.#waiting.shift()
      if (next === undefined) this.#inside--
      else next()
    }
  }
}

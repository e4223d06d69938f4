/** Waiting for what other processes tell: a condition is looked at again whenever something was heard. */
export class Expectations {
  readonly #msMax: number
  readonly #looks = new Set<() => void>()
  #trouble: Error | undefined

  /** `msMax`: after how many milliseconds waiting is given up. */
  constructor(msMax: number) {
    this.#msMax = msMax
  }

  /** Resolves as soon as it is true. Rejects when that takes too long, and with what was told to {@link fail}. */
  until(what: string, condition: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (action: () => void): void => {
        clearTimeout(timer)
        this.#looks.delete(look)
        action()
      }
      const look = (): void => {
        const trouble = this.#trouble
        if (trouble !== undefined) settle(() => reject(trouble))
        else if (condition()) settle(resolve)
      }
      const timer = setTimeout(() => {
        settle(() => reject(new Error(`waited ${this.#msMax / 1000} s in vain until ${what}`)))
      }, this.#msMax)
      this.#looks.add(look)
      look()
    })
  }

  /** Resolves when so much time has passed; rejects like {@link until}. */
  async pause(ms: number): Promise<void> {
    let over = false
    const timer = setTimeout(() => {
      over = true
      this.lookAgain()
    }, ms)
    try {
      await this.until('some time has passed', () => over)
    } finally {
      clearTimeout(timer)
    }
  }

  lookAgain(): void {
    for (const look of [...this.#looks]) look()
  }

  /** Whoever waits, now or later, is told. The first trouble counts. */
  fail(trouble: Error): void {
    this.#trouble ??= trouble
    this.lookAgain()
  }
}

/** Waiting until something is so in this process: who changes what others may wait for tells, and they look. */
export class Condition {
  readonly #listeners = new Set<() => void>()

  tell(): void {
    for (const listener of [...this.#listeners]) listener()
  }

  /** Resolves when `holds` does, and rejects with the reason when `signal` aborts before. */
  until(holds: () => boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (holds()) settle(resolve)
        else if (signal.aborted) settle(() => reject(signal.reason as Error))
      }
      const settle = (settled: () => void): void => {
        this.#listeners.delete(look)
        signal.removeEventListener('abort', look)
        settled()
      }
      this.#listeners.add(look)
      signal.addEventListener('abort', look, { once: true })
      look()
    })
  }
}

/**
 * Listens to the signals that calls are given: once to each signal, however many calls share it. A listener for each call
 * would make Node warn of a leak as soon as eleven of them wait with one signal.
 */
import type { Cancel } from './clock.js'

interface Heard {
  readonly actions: Set<() => void>
  readonly onAbort: () => void
}

export class AbortSignals {
  readonly #heard = new Map<AbortSignal, Heard>()

  /** Calls `action` when the signal is aborted, unless that was called off before. */
  onAbort(signal: AbortSignal, action: () => void): Cancel {
    const heard = this.#heard.get(signal) ?? this.#listen(signal)
    heard.actions.add(action)
    return () => {
      heard.actions.delete(action)
      if (heard.actions.size === 0) this.#leave(signal, heard)
    }
  }

  #listen(signal: AbortSignal): Heard {
    const actions = new Set<() => void>()
    const onAbort = (): void => {
      this.#leave(signal, heard)
      for (const action of [...actions]) action()
    }
    const heard: Heard = { actions, onAbort }
    signal.addEventListener('abort', onAbort, { once: true })
    this.#heard.set(signal, heard)
    return heard
  }

  #leave(signal: AbortSignal, heard: Heard): void {
    signal.removeEventListener('abort', heard.onAbort)
    if (this.#heard.get(signal) === heard) this.#heard.delete(signal)
  }
}

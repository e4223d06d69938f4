/** Waiting for a while, by the clock of the store. */
import type { Environment } from '../base/clock.js'

/** Resolves after `ms`, and at once when `signal` aborts. */
export function pause({ timers }: Pick<Environment, 'timers'>, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve()
      return
    }
    const goOn = (): void => {
      cancel()
      signal.removeEventListener('abort', goOn)
      resolve()
    }
    const cancel = timers.after(ms, goOn)
    signal.addEventListener('abort', goOn, { once: true })
  })
}

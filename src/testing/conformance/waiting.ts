/** How the suites wait: for what a store tells, never for time. */
import type { Store } from '../../api/store.js'

/**
 * Resolves once `look`, which asks the store, finds it so. A moment of the store's own time lies between two looks: where
 * that is virtual, reads alone may let none pass.
 */
export async function until(store: Store, look: () => Promise<boolean>): Promise<void> {
  while (!(await look())) await new Promise<void>((resolve) => store.environment.timers.after(1, resolve))
}

/** Resolves when the signal has aborted, with its reason. */
export function abortOf(signal: AbortSignal): Promise<unknown> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(signal.reason)
    else signal.addEventListener('abort', () => resolve(signal.reason), { once: true })
  })
}

/** Whether a promise has settled so far. */
export function settledOf(promise: Promise<unknown>): () => boolean {
  let settled = false
  const settle = (): void => {
    settled = true
  }
  promise.then(settle, settle)
  return () => settled
}

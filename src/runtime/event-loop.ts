/**
 * The boundary of one turn of the real event loop, for those who drive simulated ones: docs/decisions/0007.
 */

/** Resolves after every promise that can go on without I/O or timers has gone on. */
export function drainMicrotasks(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** Calls `action` in a turn of its own, outside every promise; settles as it returns or throws. */
export function inOwnTurn<T>(action: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(action())
      } catch (error) {
        reject(error)
      }
    })
  })
}

/**
 * Lets every promise go on that can, before it returns: what Node does between two callbacks of its own. Works only in a
 * turn of its own ({@link inOwnTurn}): inside a promise's continuation it does nothing.
 *
 * Undefined where this Node does not have it: it is undocumented. Then there is {@link drainMicrotasks}, ten times slower.
 */
export const drainNow: (() => void) | undefined = (() => {
  const { _tickCallback } = process as { readonly _tickCallback?: unknown }
  return typeof _tickCallback === 'function' ? (_tickCallback as () => void) : undefined
})()

const UNCAUGHT = ['unhandledRejection', 'uncaughtException'] as const

type Listener = (error: unknown) => void

/**
 * Hands every error that nobody catches, rejected or thrown by a microtask, to `take`, and to no one else, while `action`
 * runs and drains promises.
 */
export function catchingErrors<T>(take: (error: unknown) => void, action: () => T): T {
  const listener: Listener = (error) => {
    take(error)
  }
  const others = UNCAUGHT.map((event) => [event, process.rawListeners(event) as Listener[]] as const)
  for (const event of UNCAUGHT) {
    process.removeAllListeners(event)
    process.on(event, listener)
  }
  try {
    return action()
  } finally {
    for (const [event, listeners] of others) {
      process.removeListener(event, listener)
      for (const each of listeners) process.on(event, each)
    }
  }
}

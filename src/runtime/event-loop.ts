/** The boundary of one turn of the real event loop, for those who drive simulated ones. */

/** Resolves after every promise that can go on without I/O or timers has gone on. */
export function drainMicrotasks(): Promise<void> {
  return new Promise((resolve) => {
    setImmediate(resolve)
  })
}

/** For work that may take as long as it takes, but not in silence. */
import type { Cancel, Timers } from '../base/clock.js'

/** Settles as `work` does; until then `say` is called, every so often. */
export async function sayWhileSlow<T>(
  work: Promise<T>,
  everyMs: number,
  timers: Timers,
  say: (forMs: number) => void,
): Promise<T> {
  let times = 0
  let cancel: Cancel = () => undefined
  const arm = (): void => {
    cancel = timers.after(everyMs, () => {
      say(++times * everyMs)
      arm()
    })
  }
  if (everyMs < Infinity) arm()
  try {
    return await work
  } finally {
    cancel()
  }
}

/** A death after so many events of a simulated disk, for whatever works on a directory. */
import { drainMicrotasks } from '../../src/runtime/event-loop.js'
import type { SimScheduler } from '../../src/testing/sim/scheduler.js'

/** Whether all of `work` was done within so many events. */
export async function within(scheduler: SimScheduler, work: Promise<unknown>, events: number): Promise<boolean> {
  let ended = false
  const end = (): void => {
    ended = true
  }
  work.then(end, end)
  await drainMicrotasks()
  for (let event = 0; !ended && event < events; event++) await scheduler.step()
  if (ended) await work
  return ended
}

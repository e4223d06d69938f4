/** Waiting with an end outside a member: while there is none yet, and between the calls that one of many steps is made of. */
import type { Environment } from '../base/clock.js'
import { Deadlines, type CallLimits, type GiveUp } from '../member/deadlines.js'

/** As {@link Deadlines.within}. */
export function within<T>(
  work: Promise<T>,
  limits: CallLimits,
  { clock, timers }: Pick<Environment, 'clock' | 'timers'>,
  giveUp: GiveUp,
): Promise<T> {
  return new Deadlines(clock, timers).within(work, limits, giveUp)
}

/** Resolves after so many milliseconds; rejects with what `giveUp` says when `limits` end before. */
export async function pauseWithin(
  ms: number,
  limits: CallLimits,
  { clock, timers }: Pick<Environment, 'clock' | 'timers'>,
  giveUp: GiveUp,
): Promise<void> {
  const pending = new Deadlines(clock, timers).wait<undefined>(limits, giveUp)
  const cancel = timers.after(ms, () => {
    pending.resolve(undefined)
  })
  await pending.promise.finally(cancel)
}

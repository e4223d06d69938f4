/** Waiting with an end outside a member: while there is none yet, and between the calls that one of many steps is made of. */
import type { Environment } from '../base/clock.js'
import { Deadlines, type CallLimits, type GiveUp } from '../member/deadlines.js'

/** Settles as `work` does, or rejects with what `giveUp` says when `limits` end; what becomes of the work is nobody's affair then. */
export function within<T>(
  work: Promise<T>,
  limits: CallLimits,
  { clock, timers }: Pick<Environment, 'clock' | 'timers'>,
  giveUp: GiveUp,
): Promise<T> {
  const pending = new Deadlines(clock, timers).wait<T>(limits, giveUp)
  work.then(
    (result) => {
      pending.resolve(result)
    },
    (error: unknown) => {
      pending.reject(error as Error)
    },
  )
  return pending.promise
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

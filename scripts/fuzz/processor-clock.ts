/** Milliseconds for which this process has had a processor: on a busy machine an input takes longer, and no more of these. */
import type { Clock } from '../../src/base/clock.js'

export const PROCESSOR_CLOCK: Pick<Clock, 'monotonicMs'> = {
  monotonicMs: () => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  },
}

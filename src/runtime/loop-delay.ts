/**
 * How late the event loop of this process is, as Node measures it: docs of `perf_hooks.monitorEventLoopDelay`.
 * The delay that is under way when it is taken is not counted: the histogram begins anew.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { LoopMeter } from '../base/clock.js'

/** How often it looks. What it records is the time between two looks, so this much is no delay. */
const RESOLUTION_MS = 20

export function loopDelay(): LoopMeter {
  const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  histogram.enable()
  return {
    take() {
      if (histogram.max === 0) return undefined
      const [p99Ms, maxMs] = [lateMs(histogram.percentile(99)), lateMs(histogram.max)]
      histogram.reset()
      return { p99Ms, maxMs }
    },
    stop() {
      histogram.disable()
    },
  }
}

function lateMs(betweenNs: number): number {
  return Math.max(0, betweenNs / 1_000_000 - RESOLUTION_MS)
}

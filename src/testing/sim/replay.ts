/** What a run says when it is over: one line, and for a failure how to see it again. */
import type { SwarmReport } from './swarm.js'

export function describeReport(report: SwarmReport): string {
  const { seed, events, virtualMs, calls, revision, crashes, cuts, stateWrites, traceHash, failure } = report
  const summary =
    `seed ${seed}: ${events} events in ${(virtualMs / 1000).toFixed(1)} s of virtual time, ` +
    `${calls.ok} calls ok, ${calls.unknown} unknown, ${calls.refused} refused, ${calls.pending} lost with their process, ` +
    `revision ${revision}, ${crashes} crashes, ${cuts} cuts, ${stateWrites} state writes, trace ${traceHash}`
  if (failure === undefined) return summary
  return `${summary}\n  ${failure.message}\n  replay: npm run sim -- --seed ${seed} --transcript`
}

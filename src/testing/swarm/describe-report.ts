/** What a run says when it is over: a few lines, and for a failure how to see it again. */
import type { RunReport } from './run-plan.js'

/** @param replay the command that shows it again. Default: that of the seed, which is right for a plan as it was drawn. */
export function describeReport(report: RunReport, replay = replayOf(report)): string {
  const { plan, verdict, events, virtualMs, calls, revision, traceHash, failure, failedAtMs } = report
  const { seed, members, faults, operations } = plan
  const summary =
    `seed ${seed}: ${verdict}; ${members.length} members, ${faults.length} faults, ${operations.length} operations; ` +
    `${events} events in ${(virtualMs / 1000).toFixed(1)} s of virtual time, ` +
    `${calls.ok} operations ok, ${calls.refused} refused, ${calls.unknown} unknown, ${calls.pending} lost with their process, ` +
    `${calls.skipped} left out, revision ${revision}, trace ${traceHash}`
  if (failure === undefined) return summary
  return `${summary}\n  at ${failedAtMs?.toFixed(3)} ms: ${failure.message}\n  replay: ${replay}`
}

function replayOf({ plan: { seed, safetyMs } }: RunReport): string {
  return `npm run sim -- --seed ${seed} --simulated-minutes ${safetyMs / 60_000} --transcript`
}

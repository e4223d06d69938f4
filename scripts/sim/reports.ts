/** A plan run once more, for people to read: as text, and as a page. */
import { RunRecorder, runPlan, timelinePage, transcript, type Plan, type RunReport } from '../../src/testing/index.js'
import { CANARIES } from './canaries.js'
import type { Setup } from './messages.js'

export interface Reports {
  readonly report: RunReport
  readonly transcript: string
  readonly html: string
}

export async function reportsOf(plan: Plan, { canary }: Setup, replay: string): Promise<Reports> {
  const recorder = new RunRecorder({ members: [...plan.members, ...(plan.spares ?? [])] })
  const report = await runPlan(plan, {
    observe: (event) => {
      recorder.world(event)
    },
    ...(canary === undefined ? {} : { plant: CANARIES[canary]() }),
  })
  const { failure, verdict, virtualMs } = report
  const { seed, faults, operations } = plan
  const headline = { seed, verdict, faults: faults.length, operations: operations.length, replay }
  const violation = failure === undefined ? undefined : { atMs: virtualMs, message: failure.message }
  const record = recorder.record(headline, violation)
  return { report, transcript: transcript(record), html: timelinePage(record) }
}

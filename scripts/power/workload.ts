/** Writes to a cluster of one and says on its standard output what it began and what was acknowledged: `workload.ts FOLDER SEED`. */
import { writeSync } from 'node:fs'
import type { Report } from '../rot/messages.js'
import { Preparing } from '../rot/prepare.js'

const [, , folder = '', seed = ''] = process.argv
const preparing = new Preparing(tell, { type: 'prepare', folder, seed: Number(seed), members: 1, oneBehind: false })
await preparing.run()

/** At once, so that it stands in the trace where it happened. */
function tell(report: Report): void {
  writeSync(1, `${JSON.stringify(report)}\n`)
  if (report.type === 'prepared') process.exit()
}

/**
 * Simulated runs of a small cluster under faults.
 *
 *     npm run sim -- --seed 42 [--transcript]     one run, replayed exactly
 *     npm run sim -- --seeds 500 [--from 1]       many
 */
import { parseArgs } from 'node:util'
import { describeReport, runSwarm } from '../src/testing/index.js'

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    transcript: { type: 'boolean', default: false },
  },
})

function wholeNumber(option: string, text: string): number {
  const number = Number(text)
  if (!Number.isSafeInteger(number) || number < 0) {
    console.error(`--${option} takes a whole number, not "${text}"`)
    process.exit(2)
  }
  return number
}

const first = wholeNumber('seed', values.seed ?? values.from)
const count = values.seed === undefined ? wholeNumber('seeds', values.seeds ?? '100') : 1
let failed = 0
for (let seed = first; seed < first + count; seed++) {
  const report = await runSwarm({ seed, keepTrace: values.transcript })
  for (const line of report.trace) console.log(line)
  if (report.failure !== undefined) failed++
  if (report.failure !== undefined || count === 1) console.log(describeReport(report))
  else if ((seed - first + 1) % 50 === 0) console.log(`${seed - first + 1} of ${count} seeds, ${failed} failed`)
}
console.log(`${count} seeds, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

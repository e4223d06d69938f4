/**
 * `npm run test:power -- [--losses 400] [--seed N] [--order ordered|loose] [--plant MUTANT]`: records with strace what a member
 * asks of the system, and opens members on what a power loss could leave of it (power/run.ts). Without strace nothing is run.
 */
import { execFileSync } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { powerRun } from './power/run.js'
import { buildProgram } from './program.js'
import { quickFolder } from './quick-folder.js'
import { positive, say } from './long-run.js'

const TEXT = { type: 'string' } as const
const { values } = parseArgs({ options: { losses: TEXT, seed: TEXT, order: TEXT, plant: TEXT } })

if (hasStrace()) await run()
else say('skipped: there is no strace here, or it may not trace')
process.exit()

async function run(): Promise<void> {
  const losses = positive('losses', values.losses, 400)
  const seed = positive('seed', values.seed, randomInt(1, 1_000_000))
  const { order = 'ordered' } = values
  if (order !== 'ordered' && order !== 'loose') throw new RangeError(`--order must be ordered or loose, not ${order}`)
  const folder = mkdtempSync(join(quickFolder(), 'quorate-power-'))
  say(`power-loss run: --seed ${seed} --losses ${losses} --order ${order}, data in ${folder}`)
  const program = await buildProgram('scripts/power/workload.ts', values.plant)
  try {
    const summary = await powerRun({ seed, losses, order, folder, say, script: program.script })
    const { calls, syncs, acknowledged, failed } = summary
    say(`${summary.losses} losses of power over ${calls} calls, ${syncs} of them syncs, and ${acknowledged} writes`)
    if (failed.length > 0) throw new Error(`after ${failed.length} of them something was lost, invented or refused`)
    say('passed: what was acknowledged was there, what was not written was not, and every directory opened')
    rmSync(folder, { recursive: true, force: true })
  } catch (error) {
    say(`FAILED: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
    process.exitCode = 1
  } finally {
    program.remove()
  }
}

function hasStrace(): boolean {
  try {
    execFileSync('strace', ['-f', '-o', '/dev/null', process.execPath, '--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

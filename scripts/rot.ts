/**
 * `npm run test:rot -- [--trials 400] [--alone 100] [--twofold 0] [--seed N] [--processes 3] [--plant MUTANT]`: damages the files of a
 * stopped member and starts it again, in a cluster of three and alone, and checks that nobody is told anything wrong and
 * nothing acknowledged is lost (rot/run.ts). `--twofold` trials, of two faults at once, are counted apart. `--again FOLDER` makes a trial that failed again.
 */
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { buildProgram } from './program.js'
import { quickFolder } from './quick-folder.js'
import { again, rotRun } from './rot/run.js'
import { say } from './long-run.js'

const TEXT = { type: 'string' } as const
const { values } = parseArgs({
  options: { trials: TEXT, alone: TEXT, twofold: TEXT, seed: TEXT, processes: TEXT, plant: TEXT, again: TEXT },
})
const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupt.abort()
  })
}

const program = await buildProgram('scripts/rot/worker.ts', values.plant)
try {
  if (values.again === undefined) await run()
  else say(JSON.stringify(await again(program.script, values.again), undefined, 2))
} catch (error) {
  say(`FAILED: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  process.exitCode = 1
} finally {
  program.remove()
}
process.exit()

async function run(): Promise<void> {
  const trials = natural('trials', values.trials, 400)
  const alone = natural('alone', values.alone, Math.ceil(trials / 4))
  const twofold = natural('twofold', values.twofold, 0)
  const seed = natural('seed', values.seed, randomInt(1, 1_000_000))
  const processes = natural('processes', values.processes, 3)
  const folder = mkdtempSync(join(quickFolder(), 'quorate-rot-'))
  say(`rot run: --seed ${seed} --trials ${trials} --alone ${alone}, data in ${folder}`)
  const options = {
    seed,
    trials,
    alone,
    twofold,
    processes,
    script: program.script,
    folder,
    say,
    signal: interrupt.signal,
  }
  const { tally, twofold: apart } = await rotRun(options)
  const { count, failed, reads, refusedReads } = tally
  console.log(`\n${tally.table()}\n\nwhat members said, in how many trials:\n${tally.sayings()}\n`)
  say(`${count} trials, ${failed.length} failed; ${reads} records read and right, ${refusedReads} reads refused`)
  if (apart.count > 0) console.log(`\ntwo faults at once:\n${apart.table()}\n${apart.sayings()}\n`)
  if (failed.length === 0) {
    say('passed: nothing wrong was told, nothing acknowledged is lost, no damage changed anything without a word')
    rmSync(folder, { recursive: true, force: true })
  } else {
    process.exitCode = 1
  }
}

function natural(option: string, text: string | undefined, byDefault: number): number {
  if (text === undefined) return byDefault
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new RangeError(`--${option} must be a whole number, not ${text}`)
  return value
}

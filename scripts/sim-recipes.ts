/** `npm run sim:recipes`: recipes in the simulated world, over many seeds. `--help` says what it takes. */
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { SCENARIOS } from '../test/recipes/simulated/scenarios.js'
import type { Scenario } from '../test/recipes/simulated/scenario.js'
import { usage, wholeNumber } from './command-line.js'
import { bundleWorker } from './sim/bundle.js'
import { Pool } from './sim/pool.js'
import type { RecipeAnswers, Slice } from './sim/recipes/messages.js'
import { runScenario, type Sum } from './sim/recipes/runner.js'

const USAGE = `Recipes in the simulated world, under faults.

  npm run sim:recipes -- [scenario ...] [--seeds 200] [--from 1]     all of them, or these, on all cores
  npm run sim:recipes -- scenario --seed 17                          one seed
  npm run sim:recipes -- scenario --naive variant [--seed 17]        a naive variant, in which the fault must be found

  --threads N    how many cores to use
  --list         the scenarios and their naive variants

Exit code: 0 everything held (or the naive variant was found out), 1 it did not, 2 the command line makes no sense.`

const OPTIONS = {
  help: { type: 'boolean', default: false },
  list: { type: 'boolean', default: false },
  seed: { type: 'string' },
  seeds: { type: 'string' },
  from: { type: 'string' },
  naive: { type: 'string' },
  threads: { type: 'string' },
} as const

const SEEDS = 200
/** Marks that so many seeds do not reach are never reached. */
const COMPLETE_FROM_SEEDS = 100
/** A slice takes some seconds, and some more when one of its seeds fails and is shrunk. */
const ANSWER_WITHIN_MS = 300_000

const { values, positionals } = readArguments()
let stopped = false
process.exitCode = await main()

async function main(): Promise<number> {
  if (values.help) {
    console.log(USAGE)
    return 0
  }
  if (values.list) {
    for (const { name, description, naive } of SCENARIOS) {
      console.log(`${name}: ${description}`)
      for (const [variant, { description: what, seed }] of Object.entries(naive)) {
        console.log(`    ${variant} (seed ${seed}): ${what}`)
      }
    }
    return 0
  }
  const scenarios = wanted()
  if (values.seed !== undefined && (values.seeds !== undefined || values.from !== undefined)) {
    usage('--seed is one seed: it excludes --seeds and --from')
  }
  const threads = values.threads === undefined ? availableParallelism() : wholeNumber('threads', values.threads, 1)
  const from = wholeNumber('from', values.seed ?? values.from ?? '1')
  const seeds = values.seed !== undefined ? 1 : wholeNumber('seeds', values.seeds ?? `${SEEDS}`, 1)
  const program = bundleWorker(new URL('./sim/recipes/worker.ts', import.meta.url))
  const pool = new Pool<Slice, RecipeAnswers>({ threads, program, answerWithinMs: ANSWER_WITHIN_MS })
  process.once('SIGINT', () => {
    console.log('\nending: waiting for the runs under way')
    stopped = true
  })
  let failed = 0
  for (const each of scenarios) {
    if (stopped) break
    const startMs = performance.now()
    const asked = { scenario: each.name, naive: values.naive, from, seeds, threads, pool, isOver: () => stopped }
    const sum = await runScenario(asked)
    const held = tell(each, sum, (performance.now() - startMs) / 1000)
    if (!held) failed++
  }
  await pool.end()
  return failed === 0 ? 0 : 1
}

function wanted(): readonly Scenario[] {
  const unknown = positionals.filter((name) => !SCENARIOS.some((each) => each.name === name))
  const names = SCENARIOS.map(({ name }) => name).join(', ')
  if (unknown.length > 0) usage(`there is no scenario ${unknown.join(', ')}; there are ${names}`)
  const chosen = SCENARIOS.filter(({ name }) => positionals.length === 0 || positionals.includes(name))
  if (values.naive !== undefined) {
    const [first] = chosen
    if (chosen.length !== 1 || first === undefined) usage('--naive takes one scenario')
    if (!Object.hasOwn(first.naive, values.naive)) {
      usage(`${first.name} has no naive variant ${values.naive}; there are ${Object.keys(first.naive).join(', ')}`)
    }
  }
  return chosen
}

/** Prints what became of it; whether that is as it should be. */
function tell(scenario: Scenario, sum: Sum, seconds: number): boolean {
  const { name, marks, naive } = scenario
  const { seeds, virtualMs, failure } = sum
  const variant = values.naive === undefined ? undefined : naive[values.naive]
  const perSecond = (seeds / seconds).toFixed(1)
  console.log(
    `\n=== ${name}${values.naive === undefined ? '' : ` --naive ${values.naive}`}: ${seeds} seeds, ` +
      `${(virtualMs / 3_600_000).toFixed(2)} h simulated, ${seconds.toFixed(0)} s (${perSecond} seeds/s)`,
  )
  console.log(`  faults  ${counts(sum.faults)}`)
  console.log(`  marks   ${counts(sum.marks)}`)
  if (sum.uncaught.size > 0) console.log(`  started again after  ${counts(sum.uncaught)}`)
  if (failure !== undefined) {
    const what = values.naive === undefined ? name : `${name} --naive ${values.naive}`
    console.log(`\n  ${failure.story.replaceAll('\n', '\n  ')}`)
    console.log(`  replay: npm run sim:recipes -- ${what} --seed ${failure.seed}`)
  }
  if (variant !== undefined) {
    const found = failure !== undefined && variant.finds.test(failure.message)
    console.log(found ? `  found with seed ${failure.seed}, as it must be` : `  NOT FOUND: ${String(variant.finds)}`)
    return found
  }
  if (failure !== undefined) return false
  const never = marks.filter((mark) => !sum.marks.has(mark))
  if (never.length === 0 || seeds < COMPLETE_FROM_SEEDS) return true
  console.log(`  never reached: ${never.join(', ')}`)
  return false
}

function counts(of: ReadonlyMap<string, number>): string {
  const sorted = [...of].filter(([, times]) => times > 0).sort(([, one], [, other]) => other - one)
  return sorted.length === 0 ? 'none' : sorted.map(([name, times]) => `${name} ${times}`).join(', ')
}

function readArguments() {
  try {
    return parseArgs({ options: OPTIONS, allowPositionals: true })
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error))
  }
}

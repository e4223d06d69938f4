/** `npm run sim`: the command line of the swarm. `--help` says what it takes. */
import { readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { describeReport, drawPlan, type Plan } from '../src/testing/index.js'
import { checkPlan } from '../src/testing/swarm/check-plan.js'
import { usage, wholeNumber } from './command-line.js'
import { CANARIES, isCanary, type CanaryName } from './sim/canaries.js'
import { Many, type ManyResult } from './sim/many.js'
import { reportsOf } from './sim/reports.js'

const USAGE = `Simulated runs of small clusters under faults.

  npm run sim -- --seeds 500 [--from 1] [--minutes 10]     many, on all cores; ^C ends it with what there is
  npm run sim -- --seed 42 [--transcript] [--html FILE]    one, replayed exactly
  npm run sim -- --plan FILE [--transcript] [--html FILE]  a plan that was saved
  npm run sim -- --canary [NAME]                           with a planted bug, which must be found

  --simulated-minutes 5   how long faults last in each run
  --membership            members come and go in every run, not only in one of four
  --threads N             how many cores to use

Exit code: 0 everything held, 1 it did not, 2 the command line makes no sense.`

const OPTIONS = {
  help: { type: 'boolean', default: false },
  seed: { type: 'string' },
  seeds: { type: 'string' },
  from: { type: 'string' },
  minutes: { type: 'string' },
  'simulated-minutes': { type: 'string', default: '5' },
  threads: { type: 'string' },
  membership: { type: 'boolean', default: false },
  plan: { type: 'string' },
  canary: { type: 'boolean', default: false },
  transcript: { type: 'boolean', default: false },
  html: { type: 'string' },
} as const

/** Seeds in which each planted bug must have been found. */
const CANARY_SEEDS = 20
const CANARY_MINUTES = 1

const { values, positionals } = readArguments()
const log = (line: string): void => {
  console.log(line)
}
process.exitCode = await main()

async function main(): Promise<number> {
  if (values.help) {
    console.log(USAGE)
    return 0
  }
  checkCombination()
  if (values.canary) return canary()
  if (values.plan !== undefined) {
    return one(planFrom(values.plan), `npm run sim -- --plan ${values.plan}`)
  }
  const simulatedMinutes = number('simulated-minutes', values['simulated-minutes'])
  if (values.seed !== undefined) {
    const seed = wholeNumber('seed', values.seed)
    const { membership } = values
    const replay = `npm run sim -- --seed ${seed} --simulated-minutes ${simulatedMinutes}${membership ? ' --membership' : ''}`
    return one(drawPlan(seed, { safetyMs: simulatedMinutes * 60_000, ...(membership ? { membership } : {}) }), replay)
  }
  const result = await many(undefined, {
    from: wholeNumber('from', values.from ?? '1'),
    seeds:
      values.seeds === undefined
        ? values.minutes === undefined
          ? 100
          : undefined
        : wholeNumber('seeds', values.seeds, 1),
    minutes: values.minutes === undefined ? undefined : number('minutes', values.minutes),
    simulatedMinutes,
  })
  return result.failures.length === 0 && result.complete ? 0 : 1
}

/** What is ignored is taken for done: `npm run sim --seed 7`, without the dashes between, comes in as a 7. */
function checkCombination(): void {
  const [first] = positionals
  if (first !== undefined && !values.canary) {
    usage(`only --canary takes a name, not "${first}"; options of npm run stand behind --: npm run sim -- --seed 7`)
  }
  const given = (['seed', 'plan', 'seeds', 'minutes', 'from'] as const).filter((name) => values[name] !== undefined)
  const alone = values.canary ? 'canary' : given.find((name) => name === 'seed' || name === 'plan')
  const other = given.find((name) => name !== alone)
  if (alone !== undefined && other !== undefined) usage(`--${alone} and --${other} exclude each other`)
  for (const told of ['transcript', 'html'] as const) {
    const wanted = values[told] !== undefined && values[told] !== false
    if (wanted && (alone === undefined || alone === 'canary'))
      usage(`--${told} tells one run: say --seed or --plan, too`)
  }
}

function planFrom(file: string): Plan {
  try {
    const plan = JSON.parse(readFileSync(file, 'utf8')) as Plan
    checkPlan(plan)
    return plan
  } catch (error) {
    return usage(`${file} cannot be read as a plan: ${error instanceof Error ? error.message : String(error)}`)
  }
}

async function one(plan: Plan, replay: string): Promise<number> {
  const { report, transcript, html } = await reportsOf(plan, { canary: undefined }, replay)
  if (values.transcript) console.log(transcript)
  if (values.html !== undefined) writeFileSync(values.html, html)
  console.log(describeReport(report, `${replay} --transcript`))
  return report.failure === undefined ? 0 : 1
}

interface Range {
  readonly untilFailure?: boolean
  readonly from: number
  readonly seeds: number | undefined
  readonly minutes: number | undefined
  readonly simulatedMinutes: number
}

async function many(planted: CanaryName | undefined, range: Range): Promise<ManyResult> {
  const threads = values.threads === undefined ? availableParallelism() : wholeNumber('threads', values.threads, 1)
  const run = new Many({
    ...range,
    membership: values.membership ? true : undefined,
    threads,
    setup: { canary: planted },
    log,
  })
  const stop = (): void => {
    console.log('\nending: waiting for the runs under way')
    run.stop()
  }
  process.once('SIGINT', stop)
  try {
    return await run.run()
  } finally {
    process.off('SIGINT', stop)
  }
}

/** A run with a planted bug must fail: else nothing that it finds, or does not, means anything. */
async function canary(): Promise<number> {
  const names = positionals.length > 0 ? positionals : Object.keys(CANARIES)
  let missed = 0
  for (const name of names) {
    if (!isCanary(name)) return usage(`there is no canary ${name}; there are ${Object.keys(CANARIES).join(', ')}`)
    console.log(`\n=== planted: ${name}`)
    const { failures } = await many(name, {
      untilFailure: true,
      from: 1,
      seeds: CANARY_SEEDS,
      minutes: undefined,
      simulatedMinutes: CANARY_MINUTES,
    })
    console.log(`planted bug ${name}: ${failures.length > 0 ? 'found' : 'NOT FOUND'}`)
    if (failures.length === 0) missed++
  }
  return missed === 0 ? 0 : 1
}

function readArguments() {
  try {
    return parseArgs({ options: OPTIONS, allowPositionals: true })
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error))
  }
}

function number(option: string, text: string): number {
  const value = Number(text)
  return Number.isFinite(value) && value > 0 ? value : usage(`--${option} takes a number above 0, not "${text}"`)
}

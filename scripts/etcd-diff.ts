/** `npm run test:etcd`: compares our store with a real etcd. `--help` says what it takes. */
import { parseArgs } from 'node:util'
import { CELLS, Coverage } from './etcd-diff/coverage.js'
import { describeAnswers, describeOperation } from './etcd-diff/describe.js'
import { etcdVersion } from './etcd-diff/etcd-process.js'
import { LISTED } from './etcd-diff/listed.js'
import { run, type Difference, type RunResult } from './etcd-diff/run.js'

const USAGE = `Sends the same random programmes to a real etcd and to a store of ours, and compares every answer.

  npm run test:etcd                                      a short run
  npm run test:etcd -- --full                            100,000 operations, after which no cell of the table may be empty
  npm run test:etcd -- --seed 7 [--operations 5000]      another one; also --full
  npm run test:etcd -- --seed 7 --programme 12           one programme of it
  --table                                                print the table of what was covered, also after a short run

Needs \`etcd\` 3.4 on the path (Debian: apt-get install etcd-server); without it nothing is run, which it says.
Exit code: 0 no difference but those listed, or no etcd; 1 another difference, or a cell that stayed empty; 2 the command line makes no sense.`

const FULL_OPERATIONS = 100_000
const SHORT_OPERATIONS = 3_000
const DEFAULT_SEED = 1

// What was started is removed when the process exits, which a signal alone does not make it do.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1))

const { values } = readArguments()
process.exitCode = await main()

async function main(): Promise<number> {
  if (values.help) {
    console.log(USAGE)
    return 0
  }
  const version = etcdVersion()
  if (version === undefined) {
    console.log('test:etcd: skipped, there is no etcd on the path')
    return 0
  }
  const seed = wholeNumber('seed', values.seed, DEFAULT_SEED)
  const operations = values.full ? FULL_OPERATIONS : wholeNumber('operations', values.operations, SHORT_OPERATIONS)
  const programme = values.programme === undefined ? undefined : wholeNumber('programme', values.programme, 0)
  console.log(`test:etcd: etcd ${version} and our store, ${operations} operations, seed ${seed}`)
  const coverage = new Coverage()
  const startMs = performance.now()
  const progress = (done: number): void => {
    console.log(`  ${done} operations, ${seconds(startMs)} s`)
  }
  const result = await run({ seed, operations, programme, coverage, progress })
  if (result.difference !== undefined) return tell(result.difference, seed)
  return conclude(result, coverage, operations >= FULL_OPERATIONS, startMs)
}

function conclude(result: RunResult, coverage: Coverage, full: boolean, startMs: number): number {
  if (full || values.table) console.log(coverage.table())
  for (const listed of LISTED) console.log(`listed: ${listed.name}: ${result.listed.get(listed) ?? 0} times`)
  const empty = coverage.empty
  const unseen = LISTED.filter((listed) => !result.listed.has(listed))
  const failed = full && (empty.length > 0 || unseen.length > 0)
  if (failed) {
    for (const [field, value] of empty) {
      const counts = `etcd ${coverage.of('etcd', [field, value])}, ours ${coverage.of('ours', [field, value])}`
      console.log(`FAILED: empty cell: ${field}: ${value} (${counts})`)
    }
    for (const { name } of unseen) console.log(`FAILED: listed, but it never occurred: ${name}`)
  }
  console.log(
    `test:etcd: ${result.operations} operations in ${result.programmes} programmes, no unlisted difference, ` +
      `${LISTED.length - unseen.length} of ${LISTED.length} listed ones, ` +
      `${CELLS.length - empty.length} of ${CELLS.length} cells covered, ${seconds(startMs)} s`,
  )
  return failed ? 1 : 0
}

function tell({ nth, operation, answers, shortest }: Difference, seed: number): number {
  console.log(`FAILED: programme ${nth} of seed ${seed} was answered differently:`)
  console.log(`  ${describeOperation(operation)}\n${describeAnswers(answers)}`)
  if (shortest === undefined) console.log('By itself the programme shows no difference: it takes those before it.')
  else console.log(`The shortest that shows one:\n${shortest.map((each) => `  ${describeOperation(each)}`).join('\n')}`)
  const again = shortest === undefined ? '--full' : `--programme ${nth}`
  console.log(`Again: npm run test:etcd -- --seed ${seed} ${again}`)
  return 1
}

function seconds(startMs: number): string {
  return ((performance.now() - startMs) / 1000).toFixed(1)
}

function readArguments() {
  try {
    return parseArgs({
      options: {
        help: { type: 'boolean', default: false },
        full: { type: 'boolean', default: false },
        table: { type: 'boolean', default: false },
        seed: { type: 'string' },
        operations: { type: 'string' },
        programme: { type: 'string' },
      },
    })
  } catch (error) {
    return usage(error instanceof Error ? error.message : String(error))
  }
}

function wholeNumber(option: string, text: string | undefined, byDefault: number): number {
  if (text === undefined) return byDefault
  const value = text.trim() === '' ? NaN : Number(text)
  if (Number.isSafeInteger(value) && value >= 0) return value
  return usage(`--${option} takes a whole number, not "${text}"`)
}

function usage(what: string): never {
  console.error(`${what}\n(--help says what there is)`)
  process.exit(2)
}

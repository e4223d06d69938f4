/**
 * `npm run fuzz -- [--inputs 1000000] [--seed N] [--target NAME] [--file PATH] [--processes 2]`: feeds everything that bytes from
 * outside reach (test/fuzz) with damaged and dear inputs, and prints what came of them. An input that breaks a rule is
 * written to a file, and the command is printed that feeds it again. `--file`: that one input, to one target.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { BLOCK_INPUTS, emptyTally, runInput, type FuzzTally } from '../test/fuzz/engine.js'
import type { FuzzTarget } from '../test/fuzz/target.js'
import { fuzzTargets } from '../test/fuzz/targets.js'
import { pathOf } from '../test/mutants/mutant.js'
import type { Done, Job, Order, Report } from './fuzz/messages.js'
import { PROCESSOR_CLOCK } from './fuzz/processor-clock.js'
import { positive, say } from './long-run.js'
import { buildProgram } from './program.js'

/** A block of five hundred takes a second: a process that is silent for so long will never say anything again. */
const SILENT_MS_MAX = 120_000
const SHOWN_PER_TARGET = 3
const CORPUS = pathOf('test/testdata/fuzz')

const TEXT = { type: 'string' } as const
const { values } = parseArgs({ options: { inputs: TEXT, seed: TEXT, target: TEXT, file: TEXT, processes: TEXT } })
const inputs = positive('inputs', values.inputs, 1_000_000)
const seed = positive('seed', values.seed, randomInt(1, 1_000_000))
const processes = positive('processes', values.processes, 2)
const folder = join(tmpdir(), 'quorate-fuzz')
const all = fuzzTargets(CORPUS)
const targets = values.target === undefined ? all : all.filter(({ name }) => name === values.target)
if (targets.length === 0) throw new RangeError(`--target is one of: ${all.map(({ name }) => name).join(', ')}`)

if (values.file !== undefined) await feedFile(targets, values.file)
else await feedAll()
process.exit()

async function feedFile(given: readonly FuzzTarget[], path: string): Promise<void> {
  const [target] = given
  if (target === undefined || given.length > 1) throw new RangeError('--file needs --target: whom to feed it to')
  const tally = emptyTally()
  await runInput(target, readFileSync(path), { clock: PROCESSOR_CLOCK }, tally)
  const [failure] = tally.failures
  say(failure === undefined ? `no rule is broken (${tally.taken ? 'taken' : 'refused'})` : `FAILED: ${failure.what}`)
  if (failure !== undefined) process.exitCode = 1
}

async function feedAll(): Promise<void> {
  say(`fuzz: --inputs ${inputs} --seed ${seed}, ${targets.length} targets, ${processes} processes`)
  const tallies = new Map(targets.map(({ name }) => [name, emptyTally()]))
  const program = await buildProgram('scripts/fuzz/worker.ts', undefined)
  try {
    const jobs = jobsOf(targets)
    await Promise.all(Array.from({ length: processes }, () => work(program.script, jobs, tallies)))
  } finally {
    program.remove()
  }
  print(tallies)
}

/** Blocks of all targets in turn, so that a run that is ended early has fed each. */
function jobsOf(given: readonly FuzzTarget[]): Job[] {
  const shares = given.reduce((sum, { share }) => sum + share, 0)
  const jobs: (Job & { readonly order: number })[] = []
  for (const { name, share } of given) {
    jobs.push({ target: name, seed, block: 'extremes', count: 0, order: -1 })
    const wanted = Math.ceil((inputs * share) / shares)
    for (let block = 0; block * BLOCK_INPUTS < wanted; block++) {
      const count = Math.min(BLOCK_INPUTS, wanted - block * BLOCK_INPUTS)
      jobs.push({ target: name, seed, block, count, order: (block * BLOCK_INPUTS) / wanted })
    }
  }
  return jobs.sort((a, b) => a.order - b.order)
}

/** One process, and another one in its place where one ends in the middle of a block. */
async function work(script: URL, jobs: Job[], tallies: ReadonlyMap<string, FuzzTally>): Promise<void> {
  for (let child = await start(script); ;) {
    const job = jobs.shift()
    if (job === undefined) {
      child.kill()
      return
    }
    try {
      const report = await ask(child, { job })
      if (report.type === 'done') add(job, report.done, tallies)
    } catch (error) {
      const what = `${(error as Error).message} in block ${job.block}`
      add(job, { tally: emptyTally(), failures: [{ what, input: '' }] }, tallies)
      child = await start(script)
    }
  }
}

async function start(script: URL): Promise<ChildProcess> {
  const child = fork(script, [CORPUS], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  await ask(child, undefined)
  return child
}

/** Its next report; rejects where it ends, and where it says nothing for too long, after which it is killed. */
function ask(child: ChildProcess, order: Order | undefined): Promise<Report> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
    }, SILENT_MS_MAX)
    const onEnd = (code: number | null, signal: string | null): void => {
      clearTimeout(timer)
      child.removeAllListeners()
      reject(new Error(`the process ended (${signal ?? `exit code ${code}`})`))
    }
    child.once('exit', onEnd)
    child.once('message', (report: Report) => {
      clearTimeout(timer)
      child.removeListener('exit', onEnd)
      resolve(report)
    })
    if (order !== undefined) child.send(order)
  })
}

function add(job: Job, { tally, failures }: Done, tallies: ReadonlyMap<string, FuzzTally>): void {
  const sum = tallies.get(job.target) as FuzzTally
  for (const name of ['inputs', 'taken', 'refused', 'bytes'] as const) sum[name] += tally[name]
  for (const name of ['largestBytes', 'slowestMs', 'buffers', 'heap'] as const)
    sum[name] = Math.max(sum[name], tally[name])
  for (const { what, input } of failures) {
    const bytes = Buffer.from(input, 'base64')
    sum.failures.push({ target: job.target, input: bytes, what })
    if (sum.failures.length > SHOWN_PER_TARGET) continue
    say(
      `FAILED: ${job.target}, ${job.block === 'extremes' ? 'one of the dearest inputs' : `block ${job.block}`}: ${what}`,
    )
    mkdirSync(folder, { recursive: true })
    const file = join(folder, `${job.target.replaceAll(/\W+/g, '-')}-${seed}-${job.block}-${sum.failures.length}.bin`)
    writeFileSync(file, bytes)
    console.log(`  the same again: npm run fuzz -- --target '${job.target}' --file ${file}`)
  }
}

function print(tallies: ReadonlyMap<string, FuzzTally>): void {
  const rows = [...tallies].map(([name, tally]) => {
    const { inputs: fed, taken, bytes, largestBytes, slowestMs, buffers, heap, failures } = tally
    const numbers = [fed, taken, (bytes / 2 ** 20).toFixed(1), largestBytes, slowestMs.toFixed(1)]
    return [name, ...numbers.map(String), `${buffers.toFixed(1)}x`, `${heap.toFixed(1)}x`, String(failures.length)]
  })
  const sum = (read: (tally: FuzzTally) => number): number =>
    [...tallies.values()].reduce((total, each) => total + read(each), 0)
  const failed = sum(({ failures }) => failures.length)
  const head = ['target', 'inputs', 'taken', 'MiB', 'largest bytes', 'slowest ms', 'buffers', 'objects', 'failures']
  const widths = head.map((title, at) => Math.max(title.length, ...rows.map((row) => (row[at] ?? '').length)))
  for (const row of [head, ...rows]) {
    console.log(
      row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))).join('  '),
    )
  }
  say(`${sum((tally) => tally.inputs)} inputs: ${failed === 0 ? 'passed, no rule was broken' : `${failed} FAILED`}`)
  if (failed > 0) {
    console.log(`  the same run: npm run fuzz -- --inputs ${inputs} --seed ${seed}`)
    process.exitCode = 1
  }
}

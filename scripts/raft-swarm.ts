/**
 * Many simulated clusters of pure cores under faults, on one processor: each seed with members that stay the same, and
 * with members that change all the time.
 *
 *     npm run raft:swarm -- --seeds 2000 [--from 1]
 *
 * Prints how often each kind of event came about. Fails when a seed breaks an invariant or makes no progress, and when
 * a kind of event was never seen: a swarm that cannot bring something about does not test it.
 */
import { parseArgs } from 'node:util'
import type { RaftEventType } from '../src/raft/trace.js'
import { EVENT_TYPES, runSeed } from '../test/raft/swarm.js'

const PROGRESS_SEEDS = 500

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '2000' }, from: { type: 'string', default: '1' } },
})
const count = wholeNumber('seeds', values.seeds)
const first = wholeNumber('from', values.from)

const seen = new Map<RaftEventType, number>()
let failed = 0
let committed = 0
const startMs = performance.now()
for (let seed = first; seed < first + count; seed++) {
  for (const churn of [false, true]) {
    const result = runSeed(seed, { churn, trace: ({ type }) => seen.set(type, (seen.get(type) ?? 0) + 1) })
    committed += result.committed
    if (result.failure === undefined) continue
    failed++
    console.log(`seed ${seed}${churn ? ', members change' : ''}: ${result.failure.message}`)
    console.log(`  replay: RAFT_SEED=${seed} npx vitest run test/raft/simulation.test.ts`)
  }
  const done = seed - first + 1
  if (done % PROGRESS_SEEDS === 0) console.log(`${done} of ${count} seeds, ${failed} failed, ${rate(done)}`)
}

const kinds = EVENT_TYPES
console.log()
for (const kind of kinds) console.log(`${kind.padEnd(30)} ${(seen.get(kind) ?? 0).toLocaleString('en').padStart(14)}`)
const unseen = kinds.filter((kind) => !seen.has(kind))
console.log(`\n${count} seeds, ${rate(count)}, ${committed.toLocaleString('en')} entries committed, ${failed} failed`)
if (unseen.length > 0) console.log(`never seen: ${unseen.join(', ')}`)
process.exitCode = failed === 0 && unseen.length === 0 ? 0 : 1

function rate(seeds: number): string {
  return `${((seeds / (performance.now() - startMs)) * 1000).toFixed(1)} seeds/s`
}

function wholeNumber(option: string, text: string): number {
  const number = Number(text)
  if (Number.isSafeInteger(number) && number > 0) return number
  console.error(`--${option} takes a whole number above 0, not "${text}"`)
  process.exit(2)
}

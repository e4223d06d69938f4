/** One process of `npm run fuzz`: `worker.ts <folder of the corpus>` feeds the blocks that it is told. */
import { emptyTally, runBlock, runInput } from '../../test/fuzz/engine.js'
import type { FuzzTarget } from '../../test/fuzz/target.js'
import { fuzzTargets } from '../../test/fuzz/targets.js'
import type { Done, Job, Order, Report } from './messages.js'
import { PROCESSOR_CLOCK } from './processor-clock.js'

const TIMED = { clock: PROCESSOR_CLOCK }

const targets = new Map(fuzzTargets(process.argv[2] ?? '').map((target) => [target.name, target]))
/** What nobody waited for, of the block under way. */
const stray: unknown[] = []
// Compiled code, and whatever is loaded with the first input, are no input's fault.
for (const target of targets.values()) await runBlock(target, 0, 0, {}, emptyTally(), 20)
process.on('unhandledRejection', (reason) => stray.push(reason))
process.on('uncaughtException', (error) => stray.push(error))
process.on('message', (order: Order) => {
  void feed(order.job).then((done) => say({ type: 'done', done }), end)
})
say({ type: 'ready' })

async function feed({ target: name, seed, block, count }: Job): Promise<Done> {
  const target = targets.get(name) as FuzzTarget
  const tally = emptyTally()
  if (block === 'extremes') {
    for (const make of target.extremes ?? []) await runInput(target, make(), TIMED, tally)
  } else {
    await runBlock(target, seed, block, TIMED, tally, count)
  }
  // A rejection counts as unhandled once the turn is over.
  await new Promise((resolve) => setImmediate(resolve))
  const failures = tally.failures.map(({ what, input }) => ({ what, input: Buffer.from(input).toString('base64') }))
  for (const reason of stray.splice(0)) {
    failures.push({ what: `nobody waited for ${reason instanceof Error ? reason.stack : String(reason)}`, input: '' })
  }
  return { tally, failures }
}

function say(report: Report): void {
  process.send?.(report)
}

/** Of this program itself. */
function end(error: unknown): void {
  console.error(error)
  process.exit(1)
}

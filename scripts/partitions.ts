/**
 * `npm run test:partitions -- [--seconds 120] [--seed N] [--transport tcp] [--plant MUTANT]`: three real members, each in a network namespace of its
 * own, and a network between them that is cut, one-way, slow and lossy in turn (partitions/run.ts). All that clients were told is
 * judged by the linearizability checker. Needs root, Linux and iproute2; where they are not there, it says so and ends well.
 */
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { positive, say } from './long-run.js'
import { NamespaceNetwork } from './partitions/network.js'
import { partitionsRun, type PartitionsSummary } from './partitions/run.js'
import { buildProgram } from './program.js'

const TEXT = { type: 'string' } as const
const { values } = parseArgs({ options: { seconds: TEXT, seed: TEXT, transport: TEXT, plant: TEXT } })
const seconds = positive('seconds', values.seconds, 120)
const seed = positive('seed', values.seed, randomInt(1, 1_000_000))
const transport = values.transport ?? 'tcp'
if (transport !== 'tcp' && transport !== 'http') throw new RangeError(`--transport is tcp or http, not ${transport}`)

const refusal = NamespaceNetwork.refusal()
if (refusal !== undefined) {
  say(`skipped: ${refusal}`)
  process.exit()
}

const folder = mkdtempSync(join(tmpdir(), 'quorate-partitions-'))
const names = ['a', 'b', 'c']
const network = new NamespaceNetwork(names)
// However this ends: namespaces outlive whoever made them.
process.on('exit', () => network.remove())
const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt.abort())

say(`partitions: --seed ${seed} --seconds ${seconds} --transport ${transport}, data in ${folder}`)
const program = await buildProgram('scripts/partitions/member.ts', values.plant)
try {
  network.create()
  if (!network.canLose) say('this kernel has no netem: nothing is lost or delayed by chance, the rest is done')
  const { script } = program
  const { signal } = interrupt
  report(await partitionsRun({ seconds, seed, transport, names, network, folder, script, say, signal }))
  rmSync(folder, { recursive: true, force: true })
} catch (error) {
  say(`FAILED: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  console.log(`  the data, histories and logs of the members are kept in ${folder}`)
  console.log(
    `  the same faults again: npm run test:partitions -- --seed ${seed} --seconds ${seconds} --transport ${transport}`,
  )
  process.exitCode = 1
} finally {
  program.remove()
}
process.exit()

function report({ judgement, faults, term, digest }: PartitionsSummary): void {
  const { ok, refused, unknown } = judgement.calls
  say('passed: the history is linearizable, all members have one state')
  console.log(`  ${[...faults].map(([kind, count]) => `${count} ${kind}`).join(', ')}`)
  console.log(`  ${ok} calls answered, ${refused} refused, ${unknown} unknown`)
  console.log(`  ${term} terms, revision ${judgement.revision}, digest ${digest}`)
}

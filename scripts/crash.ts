/**
 * `npm run test:crash -- [--seconds 60] [--seed N] [--members 3]`: kills members with SIGKILL under load and checks that
 * nothing acknowledged is lost (crash-run.ts). On failure the data stay, and a command is printed that repeats the kills.
 */
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { crashRun, type CrashSummary } from './crash-run.js'

const startMs = performance.now()
const { values } = parseArgs({
  options: { seconds: { type: 'string' }, seed: { type: 'string' }, members: { type: 'string' } },
})
const seconds = positive('seconds', values.seconds, 60)
const seed = positive('seed', values.seed, randomInt(1, 1_000_000))
const members = positive('members', values.members, 3)
const folder = mkdtempSync(join(tmpdir(), 'quorate-crash-'))

const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupt.abort()
  })
}

say(`crash run: --seed ${seed} --seconds ${seconds} --members ${members}, data in ${folder}`)
try {
  report(await crashRun({ seconds, seed, members, folder, say, signal: interrupt.signal }))
  rmSync(folder, { recursive: true, force: true })
} catch (error) {
  say(`FAILED: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  console.log(`  the data and logs of the members are kept in ${folder}`)
  console.log(`  the same kills again: npm run test:crash -- --seed ${seed} --seconds ${seconds} --members ${members}`)
  process.exitCode = 1
}
process.exit()

function report(summary: CrashSummary): void {
  const { kills, pauses, acknowledged, acknowledgedBytes, refused, unknown, reads, stateWrites, logTrims } = summary
  const mebibytes = (acknowledgedBytes / 2 ** 20).toFixed(1)
  say('passed: nothing acknowledged was lost or doubled, nothing refused took effect, every read was current')
  console.log(
    `  ${kills} kills, ${pauses} pauses, ${summary.term} terms, ${stateWrites} state writes, ${logTrims} log trims`,
  )
  console.log(
    `  ${acknowledged} writes acknowledged (${mebibytes} MiB), ${refused} refused, ${unknown} unknown, ${reads} reads`,
  )
  console.log(
    `  all ${members} members, and each alone from its disk: revision ${summary.revision}, digest ${summary.digest}`,
  )
}

function positive(option: string, text: string | undefined, byDefault: number): number {
  if (text === undefined) return byDefault
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value <= 0)
    throw new RangeError(`--${option} must be a positive integer, not ${text}`)
  return value
}

function say(text: string): void {
  console.log(`${((performance.now() - startMs) / 1000).toFixed(1).padStart(6)} s  ${text}`)
}

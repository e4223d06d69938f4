/**
 * `npm run test:crash -- [--cycles 300] [--seed N] [--members 3] [--quick] [--plant MUTANT]`: kills members with SIGKILL
 * under load and checks that nothing acknowledged is lost (crash/run.ts). `--quick`: on a folder in memory, where there is one: more
 * kills in the same time, each in a shorter moment. On failure the data stay, and a command is printed that repeats the
 * kills.
 */
import { randomInt } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { crashRun, type CrashSummary } from './crash/run.js'
import { buildProgram } from './program.js'
import { quickFolder } from './quick-folder.js'
import { positive, say } from './long-run.js'

const TEXT = { type: 'string' } as const
const { values } = parseArgs({
  options: { cycles: TEXT, seed: TEXT, members: TEXT, plant: TEXT, quick: { type: 'boolean' } },
})
const cycles = positive('cycles', values.cycles, 300)
const seed = positive('seed', values.seed, randomInt(1, 1_000_000))
const members = positive('members', values.members, 3)
const folder = mkdtempSync(join(values.quick === true ? quickFolder() : tmpdir(), 'quorate-crash-'))

const interrupt = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    interrupt.abort()
  })
}

say(`crash run: --seed ${seed} --cycles ${cycles} --members ${members}, data in ${folder}`)
const programs = [
  await buildProgram('scripts/crash/member.ts', values.plant),
  await buildProgram('scripts/crash/restore.ts', undefined),
] as const
try {
  const [{ script: memberScript }, { script: restoreScript }] = programs
  const { signal } = interrupt
  report(await crashRun({ cycles, seed, members, folder, memberScript, restoreScript, say, signal }))
  rmSync(folder, { recursive: true, force: true })
} catch (error) {
  say(`FAILED: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
  console.log(`  the data and logs of the members are kept in ${folder}`)
  console.log(`  the same kills again: npm run test:crash -- --seed ${seed} --cycles ${cycles} --members ${members}`)
  process.exitCode = 1
} finally {
  for (const program of programs) program.remove()
}
process.exit()

function report(summary: CrashSummary): void {
  const { kills, killsByAim, pauses, acknowledged, acknowledgedBytes, refused, unknown, reads } = summary
  const { stateWrites, logTrims, leases, watched, compactions, backups, restoreKills, restoresRefused } = summary
  const mebibytes = (acknowledgedBytes / 2 ** 20).toFixed(1)
  say('passed: nothing acknowledged was lost or doubled, nothing refused took effect, every read was current')
  console.log(
    `  ${kills} kills, ${summary.killsPerMinute.toFixed(0)} a minute, ${pauses} pauses, ${summary.outruns} members left behind until the log was gone`,
  )
  console.log(`  ${[...killsByAim].map(([when, count]) => `${count} ${when}`).join(', ')}`)
  console.log(`  ${restoreKills} restores killed, what ${restoresRefused} of them left was refused, and restored again`)
  console.log(
    `  ${summary.term} terms, ${stateWrites} state writes, ${logTrims} log trims, ${compactions} compactions, ${backups} backups`,
  )
  console.log(
    `  ${acknowledged} writes acknowledged (${mebibytes} MiB), ${refused} refused, ${unknown} unknown, ${reads} reads`,
  )
  console.log(`  ${leases} leases, ${watched} changes watched by ${3 * members} watches`)
  console.log(
    `  all ${members} members, and each alone from its disk: revision ${summary.revision}, digest ${summary.digest}`,
  )
}

/**
 * `npm run test:slowloris -- [--way tcp|tls|http] [--sockets 2000] [--rounds 3] [--seconds 6]`: three real members, and another process
 * with thousands of sockets that dribble, hold handshakes and come back when they are closed. Puts through every member take at most
 * twice as long (p99) while they are there, and no member has more of them open, or more memory in use, than its limits say.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Child } from '../demo/processes/child.js'
import { Expectations } from '../demo/processes/expectations.js'
import { freePorts } from '../demo/processes/free-ports.js'
import { LIMITS } from '../src/base/limits.js'
import { certificateAuthority } from '../test/certificates.js'
import { positive, say } from './long-run.js'
import { buildProgram } from './program.js'
import { quickFolder } from './quick-folder.js'
import type {
  CrowdCommand,
  CrowdCounts,
  CrowdSettings,
  MemberCommand,
  MemberReport,
  MemberSettings,
  Usage,
  Way,
} from './slowloris/messages.js'

const NAMES = ['a', 'b', 'c']
const WAIT_MS_MAX = 60_000
const RATIO_MAX = 2
const SETTLE_MS = 2000
/** Of sockets that are its own: to and from its peers, and some that are being closed. */
const OWN_SOCKETS_MAX = 32
const GROWTH_BYTES_MAX = 128 * 1024 * 1024

const TEXT = { type: 'string' } as const
const { values } = parseArgs({ options: { way: TEXT, sockets: TEXT, rounds: TEXT, seconds: TEXT } })
const ways: readonly Way[] = values.way === undefined ? ['tcp', 'tls', 'http'] : [values.way as Way]
const sockets = positive('sockets', values.sockets, 2000)
const rounds = positive('rounds', values.rounds, 3)
const forMs = positive('seconds', values.seconds, 6) * 1000

const interrupt = new Expectations(WAIT_MS_MAX)
const programs = [
  await buildProgram('scripts/slowloris/member.ts', undefined),
  await buildProgram('scripts/slowloris/crowd.ts', undefined),
] as const
let failed = false
try {
  for (const way of ways) await run(way)
} catch (error) {
  failed = true
  say(`FAILED: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`)
} finally {
  for (const program of programs) program.remove()
}
process.exit(failed ? 1 : 0)

async function run(way: Way): Promise<void> {
  const folder = mkdtempSync(join(quickFolder(), 'quorate-slowloris-'))
  const ports = await freePorts(NAMES.length)
  const plain = ports.map((port) => `127.0.0.1:${port}`)
  const addressOf = (at: number): string => (way === 'http' ? `http://${plain[at]}/quorate` : (plain[at] as string))
  const cluster = Object.fromEntries(NAMES.map((name, at) => [name, addressOf(at)]))
  const authority = certificateAuthority()
  const tls = way === 'tls' ? { ...authority.issue(), ca: authority.cert } : undefined
  let opened = 0
  const child = <Command, Report>(name: string, script: URL, settings: unknown, onReport: (report: Report) => void) =>
    new Child<Command, Report>({
      ...{ name, script, args: [JSON.stringify(settings)], logFile: join(folder, `${name}.log`), onReport },
      onCrash: (reason) => interrupt.fail(new Error(`${name} ended by itself (${reason})`)),
    })
  const members = NAMES.map((name) => {
    const settings: MemberSettings = { name, cluster, dataDir: join(folder, name), way, tls }
    return child<MemberCommand, MemberReport>(name, programs[0].script, settings, (report) => {
      if (report.type === 'failed') interrupt.fail(new Error(`${name} failed: ${report.reason}`))
      else opened++
      interrupt.lookAgain()
    })
  })
  const crowdSettings: CrowdSettings = { addresses: plain, way, sockets }
  const crowd = child<CrowdCommand, never>('crowd', programs[1].script, crowdSettings, () => undefined)
  try {
    for (const each of [...members, crowd]) each.start()
    await interrupt.until('all members are open', () => opened === NAMES.length)
    await Promise.all(members.map((member) => member.ask({ type: 'ready' })))
    await puts(members, 2000)
    judge(way, await measure(members, crowd))
  } finally {
    await Promise.all([...members, crowd].map((each) => each.kill()))
    rmSync(folder, { recursive: true, force: true })
  }
}

interface Measured {
  readonly before: number[]
  readonly during: number[]
  readonly usageBefore: readonly Usage[]
  usageDuring: readonly Usage[]
  counts: CrowdCounts
}

/** In turns, so that whatever else the machine does counts on both sides. */
async function measure(
  members: readonly Child<MemberCommand, MemberReport>[],
  crowd: Child<CrowdCommand, never>,
): Promise<Measured> {
  const usages = (): Promise<Usage[]> => Promise.all(members.map((member) => member.ask<Usage>({ type: 'usage' })))
  const counts = await crowd.ask<CrowdCounts>({ type: 'counts' })
  const usageBefore = await usages()
  const measured: Measured = { before: [], during: [], usageBefore, usageDuring: usageBefore, counts }
  for (let round = 0; round < rounds; round++) {
    measured.before.push(...(await puts(members, forMs)))
    await crowd.ask<CrowdCounts>({ type: 'gather' })
    // The rush of all at once is another matter: this is about those that stay.
    await puts(members, SETTLE_MS)
    measured.during.push(...(await puts(members, forMs)))
    measured.usageDuring = await usages()
    measured.counts = await crowd.ask<CrowdCounts>({ type: 'disperse' })
  }
  return measured
}

async function puts(members: readonly Child<MemberCommand, MemberReport>[], ms: number): Promise<number[]> {
  return (await Promise.all(members.map((member) => member.ask<number[]>({ type: 'puts', forMs: ms })))).flat()
}

function judge(way: Way, { before, during, usageBefore, usageDuring, counts }: Measured): void {
  const [quiet, crowded] = [quantile(before, 0.99), quantile(during, 0.99)]
  const ratio = crowded / quiet
  const open = usageDuring.map((usage) => usage.sockets)
  const growth = usageDuring.map(({ rssBytes }, at) => rssBytes - (usageBefore[at]?.rssBytes ?? 0))
  const mebibytes = growth.map((bytes) => (bytes / 2 ** 20).toFixed(0)).join(', ')
  say(`${way}: ${sockets} sockets, ${counts.made} connections made`)
  console.log(`  puts: p99 ${quiet.toFixed(1)} ms without, ${crowded.toFixed(1)} ms with: ${ratio.toFixed(2)} times`)
  console.log(
    `  median ${quantile(before, 0.5).toFixed(1)} and ${quantile(during, 0.5).toFixed(1)} ms, ${during.length} puts`,
  )
  console.log(`  sockets open at members: ${open.join(', ')}; memory grew by ${mebibytes} MiB`)
  const openMax = LIMITS.inboundConnectionsMax + OWN_SOCKETS_MAX
  if (Math.max(...open) > openMax) throw new Error(`${way}: more than ${openMax} sockets are open at a member`)
  if (Math.max(...growth) > GROWTH_BYTES_MAX) throw new Error(`${way}: the memory of a member grew too far`)
  if (ratio > RATIO_MAX)
    throw new Error(`${way}: puts take ${ratio.toFixed(2)} times as long, ${RATIO_MAX} are allowed`)
}

function quantile(all: readonly number[], part: number): number {
  const sorted = [...all].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN
}

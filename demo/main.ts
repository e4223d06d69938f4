/**
 * `npm run demo`: three processes, each with a member of the store inside and its data on disk, connected by TCP on
 * loopback. Two of them are killed with SIGKILL while they work, the leader first. At the end it is counted whether
 * anything that was acknowledged was lost. Exits with 0 if nothing was. With `--brisk` less is done in between.
 */
import { judge } from './judge.js'
import type { Written } from './messages.js'
import { count, Narrator, seconds } from './narrator.js'
import { Stage, type Service } from './stage.js'

const narrator = new Narrator()
/** Between two events of the play. */
const pace = process.argv.includes('--brisk') ? 0.3 : 1
const stage = await Stage.set(['a', 'b', 'c'], {
  onLeader: (leader, term) => {
    narrator.say(`${leader} leads the store (term ${term}).`)
  },
  onElected: (service) => {
    narrator.say(`The services elected ${service} to decide on their configuration.`)
  },
})
// Not once: a signal that came twice, from the terminal and from npm, would end us before all is cleared away.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => void stage.clear().finally(() => process.exit(1)))
}
process.on('uncaughtException', (error) => {
  console.error(error)
  void stage.clear().finally(() => process.exit(1))
})

try {
  narrator.print('Three services, each a process of its own with a member of the store inside, work together.')
  narrator.print('Two will be killed in the middle of it. Nothing that was acknowledged may be lost.\n')
  await start()
  await work(4000)
  await killLeader()
  await work(3000)
  await killFollower()
  await work(2000)
  process.exitCode = (await finish()) ? 0 : 1
} catch (error) {
  narrator.say(`The demo failed: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
} finally {
  await stage.clear()
}
// A handle that was left open would be a fault of ours, but must not keep the terminal.
process.exit()

async function start(): Promise<void> {
  narrator.say(`Starting a, b and c, with their data in ${stage.folder}.`)
  for (const service of stage.services) stage.start(service)
  const { services, known } = stage
  await stage.heard.until('all members are open', () => known.opened.size === services.length)
  narrator.say('All three are open and look for a leader.')
  await stage.heard.until('a leader is known', () => known.leader.name !== undefined)
  await stage.heard.until('all are ready', () => known.caughtUp.size === services.length)
  narrator.say('All three are ready and begin to work: orders, turns at a counter, a shared configuration.')
}

async function killLeader(): Promise<void> {
  const { known } = stage
  const { name = '', term } = known.leader
  const leader = stage.service(name)
  narrator.print()
  narrator.say(`SIGKILL for ${name}, the leader, in the middle of it.`)
  const killedMs = performance.now()
  await stage.kill(leader)
  const next = (): number | undefined => stage.acknowledged.find((each) => each.term > term)?.atMs
  await stage.heard.until('a write is acknowledged by the next leader', () => next() !== undefined)
  narrator.say(`Writes are acknowledged again, ${seconds((next() ?? 0) - killedMs)} after the kill.`)
  narrator.say(`If ${name} held the lock or the office, they stay taken until its leases end, a few seconds later.`)
  await work(3000)
  await restart(leader)
}

async function killFollower(): Promise<void> {
  const { services, known } = stage
  const follower = services.find(({ name, starts }) => name !== known.leader.name && starts === 1)
  if (follower === undefined) throw new Error('nobody follows')
  narrator.print()
  narrator.say(`SIGKILL for ${follower.name}, which follows.`)
  const killedMs = performance.now()
  await stage.kill(follower)
  await work(3000)
  const pauseMs = longestPause(killedMs)
  narrator.say(`The others went on: ${pauseMs.toFixed(0)} ms was their longest pause between two acknowledgements.`)
  await restart(follower)
}

/** Between two acknowledged writes, from a moment on. */
function longestPause(fromMs: number): number {
  const times = stage.acknowledged.map(({ atMs }) => atMs).filter((atMs) => atMs >= fromMs)
  return Math.max(...times.map((atMs, at) => atMs - (times[at - 1] ?? fromMs)))
}

async function restart(service: Service): Promise<void> {
  const { name } = service
  const { known } = stage
  narrator.say(`Starting ${name} again.`)
  stage.start(service)
  await stage.heard.until(`${name} is open`, () => known.opened.has(name))
  const openedMs = performance.now()
  narrator.say(`${name} is open, with ${count(known.entries.get(name) ?? 0)} entries in the log on its disk.`)
  await stage.heard.until(`${name} has caught up`, () => known.caughtUp.has(name))
  const revision = count(known.caughtUp.get(name) ?? 0)
  narrator.say(`${name} has caught up with revision ${revision}, ${seconds(performance.now() - openedMs)} later.`)
}

/** Lets the services work, and tells how they stand every second. */
async function work(ms: number): Promise<void> {
  for (let left = ms * pace; left > 0; left -= 1000) {
    await stage.heard.pause(Math.min(left, 1000))
    const { ledger, known } = stage
    const counter = ledger.count('acknowledged', 'increment')
    narrator.mention(
      `revision ${count(known.revision)}, ${count(ledger.count('acknowledged'))} writes acknowledged, ` +
        `counter ${counter}, configuration ${known.configuration} (by ${known.office ?? 'nobody'})`,
    )
  }
}

async function finish(): Promise<boolean> {
  const { services, ledger } = stage
  narrator.print()
  narrator.say('The services rest, and are asked for everything they have.')
  await Promise.all(services.map((service) => service.ask({ type: 'rest' })))
  const statuses = await stage.agreement()
  const histories = await Promise.all(services.map((service) => service.ask<Written[]>({ type: 'history' })))
  for (const service of services) {
    await service.ask({ type: 'close' })
    await service.stop()
  }
  narrator.print()
  const findings = judge(ledger, histories, statuses)
  for (const { good, text } of findings) narrator.print(`  ${good ? '✔' : '✘'}  ${text}`)
  const good = findings.every((finding) => finding.good)
  narrator.print(good ? '\nNothing that was acknowledged was lost or doubled.' : '\nTHE STORE BROKE ITS WORD.')
  return good
}

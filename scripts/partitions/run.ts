/** One run: members in namespaces, clients at each, faults of the network in between, and the history judged at the end. */
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Child } from '../../demo/processes/child.js'
import { Expectations } from '../../demo/processes/expectations.js'
import { below, type Random } from '../../src/base/random.js'
import { seededRandom } from '../../src/base/seeded-random.js'
import type { StoreStatus } from '../../src/index.js'
import type { Command, Judgement, MemberSettings, Report } from './messages.js'
import type { NamespaceNetwork } from './network.js'

export interface PartitionsOptions {
  readonly seconds: number
  readonly seed: number
  readonly transport: 'tcp' | 'http'
  readonly names: readonly string[]
  readonly network: NamespaceNetwork
  readonly folder: string
  readonly script: URL
  readonly say: (text: string) => void
  readonly signal: AbortSignal
}

export interface PartitionsSummary {
  readonly judgement: Judgement
  /** How often there was each kind of fault. */
  readonly faults: ReadonlyMap<string, number>
  readonly term: number
  readonly digest: string
}

const PORT = 2380
const CLIENTS = 3
const WAIT_MS_MAX = 60_000
const ELECTION_TIMEOUT_MS = 500
const FAULT_MS_MIN = 1500
const FAULT_MS_SPREAD = 4000
const QUIET_MS_MIN = 500
const QUIET_MS_SPREAD = 2000

/** Rejects where a member fails, where the cluster does not come back, and where the history is not linearizable. */
export async function partitionsRun(options: PartitionsOptions): Promise<PartitionsSummary> {
  const { names, seconds, seed, say, folder, signal } = options
  const heard = new Expectations(WAIT_MS_MAX)
  const members = membersOf(options, heard)
  try {
    for (const { child } of members) child.start()
    await heard.until('all members are open', () => members.every(({ opened }) => opened))
    await all(members, { type: 'ready' })
    say('all members are ready')
    for (const [at, { child }] of members.entries()) {
      await child.ask({ type: 'work', clients: CLIENTS, seed: seed + 100 * at })
    }
    const faults = await disturb(options, members, seededRandom(seed), seconds * 1000)
    say('the network is whole again')
    await all(members, { type: 'ready' })
    await all(members, { type: 'rest' })
    signal.throwIfAborted()
    const statuses = await agreement(members)
    const paths = names.map((name) => join(folder, `${name}.history`))
    for (const [at, { child }] of members.entries()) await child.ask({ type: 'history', path: paths[at] as string })
    const page = join(folder, 'history.html')
    const [{ child }] = members as [Member]
    const judgement = await child.ask<Judgement>({ type: 'judge', paths, page })
    if (judgement.verdict !== 'ok') {
      throw new Error(`the history is ${judgement.verdict}: ${judgement.explanation}\n  shown in ${page}`)
    }
    return { judgement, faults, term: statuses[0]?.term ?? 0, digest: statuses[0]?.digest ?? '' }
  } finally {
    await Promise.all(members.map(({ child }) => child.kill()))
  }
}

interface Member {
  readonly name: string
  readonly child: Child<Command, Report>
  opened: boolean
}

function membersOf({ names, network, transport, folder, script }: PartitionsOptions, heard: Expectations): Member[] {
  const addressOf = (name: string): string => {
    const address = `${network.address(name)}:${PORT}`
    return transport === 'http' ? `http://${address}/quorate` : address
  }
  const cluster = Object.fromEntries(names.map((name) => [name, addressOf(name)]))
  return names.map((name): Member => {
    const settings: MemberSettings = {
      ...{ name, cluster, dataDir: join(folder, name), transport, electionTimeoutMs: ELECTION_TIMEOUT_MS },
    }
    const child = new Child<Command, Report>({
      name,
      script,
      args: [JSON.stringify(settings)],
      through: network.within(name),
      logFile: join(folder, `${name}.log`),
      onReport: (report) => {
        if (report.type === 'failed') heard.fail(new Error(`${name} failed: ${report.reason}`))
        else member.opened = true
        heard.lookAgain()
      },
      onCrash: (reason) => heard.fail(new Error(`${name} ended by itself (${reason}); see ${folder}/${name}.log`)),
    })
    const member: Member = { name, child, opened: false }
    return member
  })
}

/** One fault after the other, each healed again. */
async function disturb(
  { network, names, say, signal }: PartitionsOptions,
  members: readonly Member[],
  random: Random,
  forMs: number,
): Promise<Map<string, number>> {
  let leader: string | undefined
  /** Half of the time whoever leads: what strikes a follower is felt by few. */
  const drawn = (): string =>
    leader !== undefined && below(random, 2) === 0 ? leader : (names[below(random, names.length)] as string)
  const faults = faultsOf(network, names, drawn, random)
  const counts = new Map([...faults.keys()].map((kind) => [kind, 0]))
  // Each kind once in each round, so that a short run has them all.
  let round: string[] = []
  for (const endMs = performance.now() + forMs; performance.now() < endMs && !signal.aborted;) {
    await pause(QUIET_MS_MIN + below(random, QUIET_MS_SPREAD))
    if (round.length === 0) round = [...faults.keys()]
    const [kind = ''] = round.splice(below(random, round.length), 1)
    leader = await leaderOf(members)
    say(`${kind}: ${faults.get(kind)?.() ?? ''} (${leader ?? 'nobody'} leads)`)
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
    await pause(FAULT_MS_MIN + below(random, FAULT_MS_SPREAD))
    network.heal()
  }
  return counts
}

/** Each does what it says and returns whom it struck. */
function faultsOf(
  network: NamespaceNetwork,
  names: readonly string[],
  drawn: () => string,
  random: Random,
): Map<string, () => string> {
  const other = (name: string): string =>
    names[(names.indexOf(name) + 1 + below(random, names.length - 1)) % names.length] as string
  const faults = new Map<string, () => string>()
  faults.set('one cut off', () => {
    const name = drawn()
    network.cut(name)
    return name
  })
  faults.set('all cut off', () => {
    for (const name of names) network.cut(name)
    return names.join(', ')
  })
  faults.set('one way between two', () => {
    const from = drawn()
    const to = other(from)
    network.silence(from, to)
    return `${from} does not reach ${to}`
  })
  faults.set('both ways between two', () => {
    const one = drawn()
    const two = other(one)
    network.silence(one, two)
    network.silence(two, one)
    return `${one} and ${two}; the third reaches both`
  })
  faults.set('mute', () => {
    const name = drawn()
    for (const to of names) if (to !== name) network.silence(name, to)
    return `${name} is heard by nobody and hears all`
  })
  faults.set('slow', () => {
    const name = drawn()
    network.slow(name, '200kbit')
    return `${name} sends 25 kB a second`
  })
  if (network.canLose) {
    faults.set('lossy', () => {
      for (const name of names) network.lose(name, 15)
      return 'of every seventh packet nothing arrives'
    })
  }
  return faults
}

function all(members: readonly Member[], command: Command): Promise<unknown> {
  return Promise.all(members.map(({ child }) => child.ask(command)))
}

/** As the member with the highest term says. */
async function leaderOf(members: readonly Member[]): Promise<string | undefined> {
  const statuses = await Promise.all(members.map(({ child }) => child.ask<StoreStatus>({ type: 'status' })))
  return statuses.sort((a, b) => b.term - a.term)[0]?.leader
}

/** How they stand once all have applied the same entries. */
async function agreement(members: readonly Member[]): Promise<StoreStatus[]> {
  for (const endMs = performance.now() + WAIT_MS_MAX; performance.now() < endMs;) {
    const statuses = await Promise.all(members.map(({ child }) => child.ask<StoreStatus>({ type: 'status' })))
    const same = (of: (status: StoreStatus) => unknown): boolean => new Set(statuses.map(of)).size === 1
    if (same(({ appliedIndex }) => appliedIndex)) {
      if (same(({ digest }) => digest)) return statuses
      throw new Error(`members differ: ${statuses.map(({ name, digest }) => `${name} ${digest}`).join(', ')}`)
    }
    await pause(50)
  }
  throw new Error('the members do not come to the same applied entry')
}

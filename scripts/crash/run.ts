/**
 * A crash run: members in processes of their own are killed with SIGKILL under load, again and again, all of them at the
 * end; some are only stopped for a while. Then everything that clients were told is held against what the members have.
 *
 *     ready ─► load ─┬─ kill, start again ─┬─► kill all ─► ready ─► rest ─► compare ─► close ─► each alone ─► restore
 *                    └──── by the seed ────┘
 *
 * The seed decides who is killed and when; what the processes are doing in that moment, it cannot. Half of the kills are
 * aimed: the member dies in a moment of its work that the seed names. The next one is killed as soon as the last is open
 * again, whether or not it has caught up, so that never more than one of three is down, but when it is all of them.
 */
import { join } from 'node:path'
import { NO_LEASE } from '../../src/base/lease-id.js'
import { below, type Random } from '../../src/base/random.js'
import { seededRandom } from '../../src/base/seeded-random.js'
import { KeyValue } from '../../src/api/key-value.js'
import type { StoreStatus, WatchEvent } from '../../src/api/store.js'
import { keyOf } from '../../src/base/bytes.js'
import { checkHistory } from './history.js'
import { CrashCluster, type Member } from './cluster.js'
import { CrashLoad, SHORT_LEASE_MS_MAX } from './load.js'
import { WATCHES, type Aim, type Change, type FinalContents, type Result } from './messages.js'
import { restoreTrial } from './restored.js'

export interface CrashOptions {
  /** How many processes are killed, besides all of them at the end. */
  readonly cycles: number
  readonly seed: number
  readonly members: number
  /** For the members' data and logs. */
  readonly folder: string
  readonly memberScript: URL
  readonly restoreScript: URL
  readonly say: (text: string) => void
  /** Ends the run as a failed one. */
  readonly signal: AbortSignal
}

export interface CrashSummary {
  readonly kills: number
  /** By the moment they were aimed at, as far as that came in time. */
  readonly killsByAim: ReadonlyMap<string, number>
  readonly killsPerMinute: number
  readonly restoreKills: number
  readonly restoresRefused: number
  readonly pauses: number
  /** Members that were away for longer than the log goes back. */
  readonly outruns: number
  readonly acknowledged: number
  readonly acknowledgedBytes: number
  readonly refused: number
  /** Given up, or their process was killed. */
  readonly unknown: number
  readonly reads: number
  readonly leases: number
  readonly watched: number
  readonly compactions: number
  readonly backups: number
  readonly stateWrites: number
  readonly logTrims: number
  readonly term: number
  readonly revision: number
  readonly digest: string
}

const STATE_WRITES_MIN = 5
const LOG_TRIMS_MIN = 1
const STATE_BUFFER_BYTES = 96 * 1024
/** So little that a short run, too, trims its log. */
const LOG_RETAIN_BYTES = 256 * 1024
const TIMES = { electionTimeoutMs: 200, heartbeatIntervalMs: 20 } as const
const CLIENTS_PER_MEMBER = 5
const KILL_GAP_MS_MAX = 350
const ALL_PERCENT = 4
const LEADER_PERCENT = 45
/** Killed again while it starts. */
const AGAIN_PERCENT = 15
const AGAIN_MS_MAX = 250
/** Up to several election timeouts: a leader that was paused finds that it is none any more, or must find out. */
const PAUSE_PERCENT = 4
const PAUSE_MS_MAX = 1000
/** What the others keep of their logs is written in some seconds. */
const OUTRUN_PERCENT = 2
const OUTRUN_KILLED_PERCENT = 60
const OUTRUN_KILL_MS_MAX = 150
const AIMED_PERCENT = 55
const AIMS: readonly Aim[] = [
  'log append',
  'state write',
  'state write',
  'log trim',
  'log trim',
  'compaction',
  'backup',
]
const AIM_MS_MAX = 600
/** How long a write of the state, a trim or a backup takes, and a little more. */
const AFTER_MS_MAX = 12
/** A backup that nobody is killed for; whoever is killed next may be the one that gives it. */
const BACKUP_PERCENT = 8
const KILLS_PER_RESTORE = 40
const RESTORE_KILLS_MIN = 2
const LEASES_END_MS_MAX = 20_000

/** Throws what is wrong; the folder then holds the evidence. */
export async function crashRun(options: CrashOptions): Promise<CrashSummary> {
  const { seed, folder, memberScript } = options
  const names = Array.from({ length: options.members }, (_, at) => String.fromCharCode('a'.charCodeAt(0) + at))
  const logRetainBytes = LOG_RETAIN_BYTES
  const cluster = await CrashCluster.create(names, folder, memberScript, {
    ...TIMES,
    ...{ stateBufferBytesMax: STATE_BUFFER_BYTES, logRetainBytes, watches: true },
  })
  const load = new CrashLoad(cluster, {
    ...{ seed, clientsPerMember: CLIENTS_PER_MEMBER, lagBytesMax: logRetainBytes / 2 },
  })
  const run = new CrashRun(cluster, load, options)
  options.signal.addEventListener('abort', () => {
    cluster.heard.fail(new Error('the run was interrupted'))
  })
  try {
    return await run.run()
  } catch (error) {
    options.say(cluster.describe())
    throw error
  } finally {
    await cluster.clear()
  }
}

class CrashRun {
  readonly #cluster: CrashCluster
  readonly #load: CrashLoad
  readonly #options: CrashOptions
  readonly #random: Random
  readonly #killsByAim = new Map<string, number>()
  /** Files of snapshots that were saved. */
  readonly #backups: string[] = []
  #backupsBegun = 0
  #kills = 0
  #killsPerMinute = 0
  #pauses = 0
  #outruns = 0

  constructor(cluster: CrashCluster, load: CrashLoad, options: CrashOptions) {
    this.#cluster = cluster
    this.#load = load
    this.#options = options
    this.#random = seededRandom(options.seed)
  }

  async run(): Promise<CrashSummary> {
    const { members, heard } = this.#cluster
    for (const member of members) this.#cluster.start(member)
    await heard.until('all are ready', () => this.#cluster.allReady)
    this.#options.say(`${members.length} members are ready; killing begins`)
    this.#load.start()
    await this.#killAgainAndAgain()
    await this.#killAndStart(members, 'all at once')
    await heard.until('all are ready after the last kill', () => this.#cluster.allReady)
    await this.#load.stop()
    await this.#leasesEnd()
    for (const member of members) await this.#load.mustPut(member)
    await this.#backUp(members[0] as Member)
    const { status, history } = await this.#compare()
    await this.#reopenEachAlone(status)
    const restoreKills = Math.max(RESTORE_KILLS_MIN, Math.ceil(this.#options.cycles / KILLS_PER_RESTORE))
    const restoresRefused = await this.#restore(history, restoreKills)
    return this.#summary(status, restoreKills, restoresRefused)
  }

  async #killAgainAndAgain(): Promise<void> {
    const { heard } = this.#cluster
    const beginMs = performance.now()
    let toldAt = 0
    while (this.#kills < this.#options.cycles) {
      await heard.pause(this.#below(KILL_GAP_MS_MAX))
      await heard.until('all are open', () => this.#cluster.allOpened)
      if (this.#below(100) < BACKUP_PERCENT) void this.#backUp(this.#chooseVictim())
      await this.#cycle()
      this.#killsPerMinute = (this.#kills / (performance.now() - beginMs)) * 60_000
      if (this.#kills < toldAt) continue
      toldAt = this.#kills + 100
      const revision = Math.max(...this.#cluster.members.map(({ reached }) => reached))
      const told = `${this.#kills} kills, ${this.#killsPerMinute.toFixed(0)} a minute`
      this.#options.say(`${told}; revision ${revision}, ${this.#load.count('ok')} writes acknowledged so far`)
    }
  }

  async #cycle(): Promise<void> {
    const { members } = this.#cluster
    const dice = this.#below(100)
    if (dice < ALL_PERCENT) return this.#killAndStart(members, 'all at once')
    const victim = this.#chooseVictim()
    if (dice >= 100 - OUTRUN_PERCENT) return this.#outrun(victim)
    if (dice < ALL_PERCENT + PAUSE_PERCENT) return this.#pause(victim)
    if (dice < ALL_PERCENT + PAUSE_PERCENT + AGAIN_PERCENT) {
      await this.#killAndStart([victim], 'at random')
      await this.#cluster.heard.pause(this.#below(AGAIN_MS_MAX))
      return this.#killAndStart([victim], 'while it starts')
    }
    if (dice < ALL_PERCENT + PAUSE_PERCENT + AGAIN_PERCENT + AIMED_PERCENT) return this.#killAimed(victim)
    return this.#killAndStart([victim], 'at random')
  }

  /** As often the leader as anybody: a change of leader is when writes can be lost or doubled. */
  #chooseVictim(): Member {
    const { members, leader } = this.#cluster
    const wantsLeader = this.#below(100) < LEADER_PERCENT
    const drawn = members[this.#below(members.length)] as Member
    return members.find(({ name }) => wantsLeader && name === leader) ?? drawn
  }

  /** Away until the others have forgotten what it lacks: it has to be given a state, and is killed while it is. */
  async #outrun(victim: Member): Promise<void> {
    const { heard } = this.#cluster
    victim.leftBehind = true
    this.#count('left behind', 1)
    await this.#cluster.kill([victim])
    const reached = victim.status?.log.lastIndex ?? 0
    const isOutrun = (): boolean =>
      this.#cluster.leaderStatus !== undefined && this.#cluster.leaderStatus.log.firstIndex > reached + 1
    await heard.until(`${victim.name} is outrun`, isOutrun)
    this.#outruns++
    this.#cluster.start(victim)
    if (this.#below(100) < OUTRUN_KILLED_PERCENT) {
      await heard.until(`${victim.name} is open`, () => victim.opened)
      await heard.pause(this.#below(OUTRUN_KILL_MS_MAX))
      await this.#killAndStart([victim], 'while it receives a state')
    }
    await heard.until(`${victim.name} has caught up`, () => victim.ready)
    victim.leftBehind = false
  }

  async #pause({ child }: Member): Promise<void> {
    this.#pauses++
    child.pause()
    await this.#cluster.heard.pause(this.#below(PAUSE_MS_MAX))
    child.resume()
  }

  async #killAimed(victim: Member): Promise<void> {
    const aim = AIMS[this.#below(AIMS.length)] ?? 'state write'
    const afterMs = this.#below(AFTER_MS_MAX)
    const killed = this.#cluster.killAt(victim, aim, afterMs, AIM_MS_MAX)
    if (aim === 'backup') void this.#backUp(victim)
    this.#count((await killed) ? `in a ${aim}` : 'at random', 1)
    this.#cluster.start(victim)
  }

  async #killAndStart(victims: readonly Member[], when: string): Promise<void> {
    this.#count(when, victims.length)
    await this.#cluster.kill(victims)
    for (const member of victims) this.#cluster.start(member)
  }

  #count(when: string, kills: number): void {
    this.#kills += kills
    this.#killsByAim.set(when, (this.#killsByAim.get(when) ?? 0) + kills)
  }

  async #backUp(member: Member): Promise<void> {
    const path = join(this.#options.folder, `backup-${++this.#backupsBegun}`)
    try {
      const { outcome } = await member.child.ask<Result>({ type: 'backup', path })
      if (outcome === 'ok') this.#backups.push(path)
    } catch {
      // It was killed.
    }
  }

  /** The short ones, once nobody renews them any more. */
  async #leasesEnd(): Promise<void> {
    const [member] = this.#cluster.members
    if (member === undefined) return
    for (const endMs = performance.now() + LEASES_END_MS_MAX; ;) {
      const contents = await this.#cluster.contents(member)
      if (this.#load.leases.areOver(contents, SHORT_LEASE_MS_MAX)) return
      if (performance.now() > endMs) throw new Error(`leases do not end: ${contents.leases.join(', ')}`)
      await this.#cluster.heard.pause(100)
    }
  }

  async #compare(): Promise<{ status: StoreStatus; history: readonly Change[] }> {
    const { members, heard } = this.#cluster
    const statuses = await this.#cluster.agreement()
    const [status] = statuses
    if (status === undefined) throw new Error('there are no members')
    for (const each of statuses) sameState(each, status, 'at the end')
    for (const member of members) await member.child.ask({ type: 'progress' })
    await heard.until('all watches have seen everything', () => this.#cluster.seenByAll === status.revision)
    // What was forgotten is in what the watches reported.
    const history = members[0]?.watches[0]?.changes ?? []
    const events = history.map(eventOf)
    const watched = members.flatMap(({ name, watches }) =>
      watches.map(({ changes }, at) => ({
        name: `the watch of ${WATCHES[at]?.name} of ${name}`,
        wants: (event: WatchEvent) => WATCHES[at]?.wants({ ...event, id: '' }) ?? false,
        events: changes.map(eventOf),
      })),
    )
    checkHistory(events, this.#load.calls, watched)
    for (const member of members) await this.#compareContents(member, history, status)
    this.#provesEnough()
    return { status, history }
  }

  /** The history that a member has left, what is there at last, and its leases. */
  async #compareContents(member: Member, history: readonly Change[], { revision }: StoreStatus): Promise<void> {
    const { compactRevision } = await this.#cluster.status(member)
    const kept = history.filter((change) => change.revision > compactRevision)
    sameHistory(await this.#cluster.history(member, revision), kept, member.name)
    const nowMs = performance.now()
    const contents = await this.#cluster.contents(member)
    sameItems(contents, history, member.name)
    this.#load.leases.check(contents, nowMs, member.name)
  }

  #provesEnough(): void {
    const { stateWrites, logTrims } = this.#cluster.counts
    if (stateWrites >= STATE_WRITES_MIN && logTrims >= LOG_TRIMS_MIN) return
    const least = `at least ${STATE_WRITES_MIN} state writes and ${LOG_TRIMS_MIN} log trims`
    throw new Error(`the run proves too little: ${stateWrites} state writes and ${logTrims} log trims, not ${least}`)
  }

  /** What one has without the others is what its disk holds. */
  async #reopenEachAlone(expected: StoreStatus): Promise<void> {
    const { members, heard } = this.#cluster
    const histories = new Map<Member, string>()
    for (const member of members) histories.set(member, await this.#describeHistory(member, expected))
    await Promise.all(members.map((member) => this.#cluster.close(member)))
    for (const member of members) {
      this.#cluster.start(member)
      await heard.until(`${member.name} is open, alone`, () => member.opened)
      sameState(await this.#cluster.status(member), expected, 'reopened alone')
      if ((await this.#describeHistory(member, expected)) !== histories.get(member))
        throw new Error(`${member.name}, reopened alone, has another history than before`)
      await this.#cluster.kill([member])
    }
  }

  async #describeHistory(member: Member, { revision }: StoreStatus): Promise<string> {
    return JSON.stringify(await this.#cluster.history(member, revision))
  }

  async #restore(history: readonly Change[], kills: number): Promise<number> {
    const { folder, memberScript, restoreScript } = this.#options
    const from = this.#backups[this.#below(this.#backups.length)]
    if (from === undefined) throw new Error('no snapshot was saved')
    const names = this.#cluster.members.map(({ name }) => name)
    return restoreTrial({
      ...{ random: this.#random, from, names, memberScript, restoreScript, kills, history },
      folder: join(folder, 'restored'),
    })
  }

  #summary({ term, revision, digest }: StoreStatus, restoreKills: number, restoresRefused: number): CrashSummary {
    const { calls, acknowledgedBytes, leases, compactions } = this.#load
    const watches = this.#cluster.members.flatMap((member) => member.watches)
    return {
      kills: this.#kills,
      killsByAim: this.#killsByAim,
      killsPerMinute: this.#killsPerMinute,
      pauses: this.#pauses,
      outruns: this.#outruns,
      acknowledged: this.#load.count('ok'),
      acknowledgedBytes,
      refused: this.#load.count('refused'),
      unknown: this.#load.count('unknown') + this.#load.count('pending'),
      reads: calls.filter(({ type, outcome }) => type === 'read' && outcome === 'ok').length,
      leases: leases.count,
      watched: watches.reduce((sum, { changes }) => sum + changes.length, 0),
      backups: this.#backups.length,
      ...this.#cluster.counts,
      ...{ restoreKills, restoresRefused, compactions, term, revision, digest },
    }
  }

  #below(limit: number): number {
    return below(this.#random, limit)
  }
}

function sameState(found: StoreStatus, expected: StoreStatus, when: string): void {
  if (found.revision === expected.revision && found.digest === expected.digest) return
  const describe = ({ name, revision, digest }: StoreStatus): string =>
    `${name} has revision ${revision}, digest ${digest}`
  throw new Error(`the members differ ${when}: ${describe(found)}, ${describe(expected)}`)
}

function sameHistory(found: readonly Change[], expected: readonly Change[], name: string): void {
  const at = expected.findIndex((change, index) => JSON.stringify(change) !== JSON.stringify(found[index]))
  if (at < 0 && found.length === expected.length) return
  const place = at < 0 ? expected.length : at
  const [mine, theirs] = [JSON.stringify(found[place]), JSON.stringify(expected[place])]
  throw new Error(`${name} has another history than was watched: ${mine} instead of ${theirs} at change ${place}`)
}

/** What is there is what all changes come to. */
function sameItems({ items }: FinalContents, history: readonly Change[], name: string): void {
  const expected = new Map(history.map((change) => [change.key, change]))
  for (const [key, { type }] of expected) if (type === 'delete') expected.delete(key)
  for (const { key, id, revision } of items) {
    const change = expected.get(key)
    if (change?.id !== id || change.revision !== revision)
      throw new Error(
        `${name} has ${id} of revision ${revision} under ${key}, not ${change?.id} of ${change?.revision}`,
      )
    expected.delete(key)
  }
  if (expected.size > 0) throw new Error(`${name} lacks ${[...expected.keys()].join(', ')}`)
}

/** As the history checker takes it: the value is known by its id. */
function eventOf({ type, key, revision, id }: Change): WatchEvent {
  const record = { key: keyOf(key), value: Buffer.from(id), createRevision: 0, modRevision: revision, version: 1 }
  const keyValue = new KeyValue({ ...record, lease: NO_LEASE })
  return { type, key, keyValue, revision, created: false, previous: undefined }
}

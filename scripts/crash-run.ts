/**
 * A crash run: members in processes of their own are killed with SIGKILL under load, again and again, all of them at the
 * end; some are only stopped for a while. Then everything that clients were told is held against what the members have.
 *
 *     ready ─► load ─┬─ kill, start again ─┬─► kill all ─► ready ─► rest ─► compare ─► close ─► each alone, from disk
 *                    └──── by the seed ────┘
 *
 * The seed decides who is killed and when; what the processes are doing in that moment, it cannot.
 */
import { NO_LEASE } from '../src/base/lease-id.js'
import { below, type Random } from '../src/base/random.js'
import { seededRandom } from '../src/base/seeded-random.js'
import { KeyValue } from '../src/api/key-value.js'
import type { StoreStatus, WatchEvent } from '../src/api/store.js'
import { keyOf } from '../src/base/bytes.js'
import { checkHistory } from './crash-history.js'
import { CrashCluster, type Member } from './crash-cluster.js'
import { CrashLoad } from './crash-load.js'
import type { Change } from './crash-messages.js'

export interface CrashOptions {
  readonly seconds: number
  readonly seed: number
  readonly members: number
  /** For the members' data and logs. */
  readonly folder: string
  readonly say: (text: string) => void
  /** Ends the run as a failed one. */
  readonly signal: AbortSignal
}

export interface CrashSummary {
  readonly kills: number
  readonly pauses: number
  readonly acknowledged: number
  readonly acknowledgedBytes: number
  readonly refused: number
  /** Given up, or their process was killed. */
  readonly unknown: number
  readonly reads: number
  readonly stateWrites: number
  readonly logTrims: number
  readonly term: number
  readonly revision: number
  readonly digest: string
}

const STATE_WRITES_MIN = 10
const LOG_TRIMS_MIN = 1
const STATE_BUFFER_BYTES = 192 * 1024
/** So that a short run, too, trims its log, and a long one lags less often. */
const LOG_RETAIN_BYTES_PER_SECOND = 96 * 1024
const LOG_RETAIN_BYTES_MIN = 1024 * 1024
const LOG_RETAIN_BYTES_MAX = 6 * 1024 * 1024
const KILL_GAP_MS_MIN = 500
const KILL_GAP_MS_MAX = 1500
const ALL_PERCENT = 5
const TWO_PERCENT = 10
const LEADER_PERCENT = 40
/** Up to several election timeouts: a leader that was paused finds that it is none any more, or must find out. */
const PAUSE_PERCENT = 15
const PAUSE_MS_MAX = 2500

/** Throws what is wrong; the folder then holds the evidence. */
export async function crashRun(options: CrashOptions): Promise<CrashSummary> {
  const { seed, seconds, folder } = options
  const names = Array.from({ length: options.members }, (_, at) => String.fromCharCode('a'.charCodeAt(0) + at))
  const wanted = Math.max(LOG_RETAIN_BYTES_MIN, seconds * LOG_RETAIN_BYTES_PER_SECOND)
  const logRetainBytes = Math.min(LOG_RETAIN_BYTES_MAX, wanted)
  const limits = { stateBufferBytesMax: STATE_BUFFER_BYTES, logRetainBytes }
  const cluster = await CrashCluster.create(names, folder, {
    ...limits,
    electionTimeoutMs: 500,
    heartbeatIntervalMs: 50,
  })
  const load = new CrashLoad(cluster, { seed, clientsPerMember: 5, lagBytesMax: logRetainBytes / 2 })
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
  #kills = 0
  #pauses = 0

  constructor(cluster: CrashCluster, load: CrashLoad, options: CrashOptions) {
    this.#cluster = cluster
    this.#load = load
    this.#options = options
  }

  async run(): Promise<CrashSummary> {
    const { members, heard } = this.#cluster
    for (const member of members) this.#cluster.start(member)
    await heard.until('all are ready', () => this.#cluster.allReady)
    this.#options.say(`${members.length} members are ready; killing begins`)
    this.#load.start()
    await this.#killAgainAndAgain()
    await this.#killAndStart(members)
    await heard.until('all are ready after the last kill', () => this.#cluster.allReady)
    await this.#load.stop()
    for (const member of members) await this.#load.mustPut(member)
    const status = await this.#compare()
    await this.#reopenEachAlone(status)
    return this.#summary(status)
  }

  async #killAgainAndAgain(): Promise<void> {
    const { heard } = this.#cluster
    const random = seededRandom(this.#options.seed)
    for (const endMs = performance.now() + this.#options.seconds * 1000; ;) {
      const gapMs = KILL_GAP_MS_MIN + below(random, KILL_GAP_MS_MAX - KILL_GAP_MS_MIN)
      await heard.pause(gapMs)
      await heard.until('all are open', () => this.#cluster.allOpened)
      if (performance.now() >= endMs) return
      const victims = this.#chooseVictims(random)
      const pauseMs = below(random, PAUSE_MS_MAX)
      if (below(random, 100) < PAUSE_PERCENT) await this.#pause(victims, pauseMs)
      else await this.#killAndStart(victims)
    }
  }

  /**
   * Mostly one, as often the leader as anybody: a change of leader is when writes can be lost or doubled. Sometimes more,
   * so that there is no quorum left for a while.
   */
  #chooseVictims(random: Random): readonly Member[] {
    const { members, leader } = this.#cluster
    const dice = below(random, 100)
    const shuffled = shuffle(members, random)
    if (dice < ALL_PERCENT) return members
    if (dice < ALL_PERCENT + TWO_PERCENT) return shuffled.slice(0, 2)
    const wanted = dice < ALL_PERCENT + TWO_PERCENT + LEADER_PERCENT ? leader : undefined
    return shuffled.filter(({ name }) => wanted === undefined || name === wanted).slice(0, 1)
  }

  async #pause(victims: readonly Member[], ms: number): Promise<void> {
    this.#pauses += victims.length
    this.#options.say(`paused ${this.#describe(victims)} for ${ms} ms`)
    for (const { child } of victims) child.pause()
    await this.#cluster.heard.pause(ms)
    for (const { child } of victims) child.resume()
  }

  async #killAndStart(victims: readonly Member[]): Promise<void> {
    const names = this.#describe(victims)
    this.#kills += victims.length
    await this.#cluster.kill(victims)
    for (const member of victims) this.#cluster.start(member)
    const acknowledged = this.#load.count('ok')
    const revision = Math.max(...this.#cluster.members.map(({ reached }) => reached))
    this.#options.say(`killed ${names}; revision ${revision}, ${acknowledged} writes acknowledged so far`)
  }

  #describe(victims: readonly Member[]): string {
    const { leader } = this.#cluster
    return victims.map(({ name }) => (name === leader ? `${name} (leader)` : name)).join(', ')
  }

  async #compare(): Promise<StoreStatus> {
    const { members, heard } = this.#cluster
    const statuses = await this.#cluster.agreement()
    const [status] = statuses
    if (status === undefined) throw new Error('there are no members')
    for (const each of statuses) sameState(each, status, 'at the end')
    await heard.until('all watches have seen everything', () => {
      return members.every(({ seen }) => (seen.at(-1)?.revision ?? 1) === status.revision)
    })
    const [first = [], ...others] = await Promise.all(
      members.map((each) => this.#cluster.history(each, status.revision)),
    )
    others.forEach((other, at) => sameHistory(other, first, members[at + 1]?.name ?? ''))
    const watched = members.map(({ name, seen }) => ({ member: name, startRevision: 2, events: seen.map(eventOf) }))
    checkHistory(first.map(eventOf), this.#load.calls, watched)
    const { stateWrites, logTrims } = this.#cluster.counts
    if (stateWrites < STATE_WRITES_MIN || logTrims < LOG_TRIMS_MIN) {
      const least = `at least ${STATE_WRITES_MIN} state writes and ${LOG_TRIMS_MIN} log trims`
      throw new Error(`the run proves too little: ${stateWrites} state writes and ${logTrims} log trims, not ${least}`)
    }
    return status
  }

  /** What one has without the others is what its disk holds. */
  async #reopenEachAlone(expected: StoreStatus): Promise<void> {
    const { members, heard } = this.#cluster
    const [{ name = '' } = {}] = members
    const history = await this.#cluster.history(members[0] as Member, expected.revision)
    await Promise.all(members.map((member) => this.#cluster.close(member)))
    for (const member of members) {
      this.#cluster.start(member)
      await heard.until(`${member.name} is open, alone`, () => member.opened)
      sameState(await this.#cluster.status(member), expected, 'reopened alone')
      sameHistory(
        await this.#cluster.history(member, expected.revision),
        history,
        `${member.name}, reopened alone,`,
        name,
      )
      await this.#cluster.kill([member])
    }
  }

  #summary({ term, revision, digest }: StoreStatus): CrashSummary {
    const { calls, acknowledgedBytes } = this.#load
    return {
      kills: this.#kills,
      pauses: this.#pauses,
      acknowledged: this.#load.count('ok'),
      acknowledgedBytes,
      refused: this.#load.count('refused'),
      unknown: this.#load.count('unknown') + this.#load.count('pending'),
      reads: calls.filter(({ type, outcome }) => type === 'read' && outcome === 'ok').length,
      ...this.#cluster.counts,
      ...{ term, revision, digest },
    }
  }
}

/** Draws the same number of times whoever leads. */
function shuffle<Item>(items: readonly Item[], random: Random): Item[] {
  const rest = [...items]
  return items.flatMap(() => rest.splice(below(random, rest.length), 1))
}

function sameState(found: StoreStatus, expected: StoreStatus, when: string): void {
  if (found.revision === expected.revision && found.digest === expected.digest) return
  const describe = ({ name, revision, digest }: StoreStatus): string =>
    `${name} has revision ${revision}, digest ${digest}`
  throw new Error(`the members differ ${when}: ${describe(found)}, ${describe(expected)}`)
}

function sameHistory(found: readonly Change[], expected: readonly Change[], name: string, other = 'the first'): void {
  const at = expected.findIndex((change, index) => JSON.stringify(change) !== JSON.stringify(found[index]))
  if (at < 0 && found.length === expected.length) return
  const place = at < 0 ? expected.length : at
  const [mine, theirs] = [JSON.stringify(found[place]), JSON.stringify(expected[place])]
  throw new Error(`${name} has another history than ${other}: ${mine} instead of ${theirs} at change ${place}`)
}

/** As the history checker takes it: the value is known by its id. */
function eventOf({ type, key, revision, id }: Change): WatchEvent {
  const record = { key: keyOf(key), value: Buffer.from(id), createRevision: 0, modRevision: revision, version: 1 }
  const keyValue = new KeyValue({ ...record, lease: NO_LEASE })
  return { type, key, keyValue, revision, created: false, previous: undefined }
}

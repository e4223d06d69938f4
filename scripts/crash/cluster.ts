/**
 * The members of a crash run: processes that are killed and started again, and what is known of each over all its lives.
 *
 * Always: a member's watch is taken up in its next life behind the last change it reported, so that all lives together
 * must give the whole history, without a gap and without a repetition.
 */
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Child } from '../../demo/processes/child.js'
import { Expectations } from '../../demo/processes/expectations.js'
import { freePorts } from '../../demo/processes/free-ports.js'
import type { OpenOptions, StoreStatus } from '../../src/index.js'
import { WATCHES, type Aim, type Change, type Command, type FinalContents, type Report } from './messages.js'

export interface Member {
  readonly name: string
  readonly child: Child<Command, Report>
  opened: boolean
  ready: boolean
  /** As last reported; of an earlier life when this one has not said anything yet. */
  status: StoreStatus | undefined
  /** The highest revision it ever reported: its log holds everything up to there. */
  reached: number
  /** It is kept down until the others have forgotten what it lacks: nobody waits for it. */
  leftBehind: boolean
  /** What its watches reported, in all lives: as in WATCHES. */
  readonly watches: readonly Seen[]
  /** Of this life, as last reported. */
  counts: Counts
  /** Of the lives before. */
  before: Counts
}

/** What one watch reported. */
export interface Seen {
  readonly changes: Change[]
  /** Everything that it wants up to here is among them. */
  revision: number
}

export interface Counts {
  readonly stateWrites: number
  readonly logTrims: number
}

export interface CrashClusterOptions extends Omit<OpenOptions, 'name' | 'cluster' | 'dataDir'> {
  /** Whether members are watched from the beginning of history on. */
  readonly watches: boolean
}

const NONE: Counts = { stateWrites: 0, logTrims: 0 }
const WAIT_MS_MAX = 60_000
const LOG_SHOWN_CHARACTERS = 4000

export class CrashCluster {
  readonly members: readonly Member[]
  /** By name. */
  readonly addresses: Readonly<Record<string, string>>
  readonly #folder: string
  readonly #watches: boolean
  readonly heard = new Expectations(WAIT_MS_MAX)

  static async create(
    names: readonly string[],
    folder: string,
    script: URL,
    options: CrashClusterOptions,
  ): Promise<CrashCluster> {
    const ports = await freePorts(names.length)
    const cluster = Object.fromEntries(names.map((name, at) => [name, `127.0.0.1:${ports[at]}`]))
    mkdirSync(folder, { recursive: true })
    return new CrashCluster(names, folder, script, options, cluster)
  }

  private constructor(
    names: readonly string[],
    folder: string,
    script: URL,
    { watches: watched, ...options }: CrashClusterOptions,
    cluster: Readonly<Record<string, string>>,
  ) {
    this.addresses = cluster
    this.#folder = folder
    this.#watches = watched
    this.members = names.map((name) => {
      const logFile = join(folder, `${name}.log`)
      const child = new Child<Command, Report>({
        name,
        script,
        args: [JSON.stringify({ ...options, cluster, name, dataDir: this.directory(name) })],
        logFile,
        onReport: (report) => {
          this.#hear(name, report)
        },
        onCrash: (reason) => {
          const log = readFileSync(logFile, 'utf8').slice(-LOG_SHOWN_CHARACTERS)
          this.heard.fail(new Error(`${name} ended by itself (${reason}); the end of its log:\n${log}`))
        },
      })
      const watches = WATCHES.map(() => ({ changes: [], revision: 1 }))
      const unknown = { opened: false, ready: false, status: undefined, reached: 1, leftBehind: false, watches }
      return { name, child, ...unknown, counts: NONE, before: NONE }
    })
  }

  directory(name: string): string {
    return join(this.#folder, name)
  }

  get allOpened(): boolean {
    return this.members.every(({ opened }) => opened)
  }

  get allReady(): boolean {
    return this.members.every(({ ready }) => ready)
  }

  /** As the members that live say, which may be a moment ago. */
  get leader(): string | undefined {
    const told = this.members.flatMap(({ opened, status }) => (opened && status?.leader !== undefined ? [status] : []))
    return told.sort((a, b) => b.term - a.term)[0]?.leader
  }

  /** Of whoever says to lead, and lives. */
  get leaderStatus(): StoreStatus | undefined {
    const { leader } = this
    return this.members.find(({ name, opened, status }) => opened && name === leader && status?.role === 'leader')
      ?.status
  }

  /** State writes and log trims of all members in all lives, as far as they lived to report them. */
  get counts(): Counts {
    return this.members.reduce((sum, { counts, before }) => add(add(sum, counts), before), NONE)
  }

  start(member: Member): void {
    member.before = add(member.before, member.counts)
    member.counts = NONE
    member.child.start()
  }

  /** All of them in the same moment. */
  async kill(members: readonly Member[]): Promise<void> {
    for (const member of members) {
      member.opened = false
      member.ready = false
    }
    await Promise.all(members.map(({ child }) => child.kill()))
  }

  /** It kills itself in the moment of `at`, if that comes within `withinMs`; otherwise, or when it answers no more, it is killed. */
  async killAt(member: Member, at: Aim, afterMs: number, withinMs: number): Promise<boolean> {
    member.opened = false
    member.ready = false
    const gone = member.child.end()
    member.child.ask({ type: 'die', at, afterMs }).catch(() => undefined)
    const inTime = await Promise.race([gone.then(() => true), later(withinMs)])
    await member.child.kill()
    return inTime
  }

  /** Writes what is buffered, and ends. */
  async close(member: Member): Promise<void> {
    await member.child.ask({ type: 'close' })
    await member.child.stop()
    member.opened = false
    member.ready = false
  }

  status(member: Member): Promise<StoreStatus> {
    return member.child.ask<StoreStatus>({ type: 'status' })
  }

  history(member: Member, through: number): Promise<Change[]> {
    return member.child.ask<Change[]>({ type: 'history', through })
  }

  contents(member: Member): Promise<FinalContents> {
    return member.child.ask<FinalContents>({ type: 'contents' })
  }

  /** What every watch of every member has reported up to here. */
  get seenByAll(): number {
    return Math.min(...this.members.flatMap(({ watches }) => watches.map(({ revision }) => revision)))
  }

  /** How they stand as soon as all have applied the same entries. */
  async agreement(): Promise<StoreStatus[]> {
    for (const endMs = performance.now() + WAIT_MS_MAX; ;) {
      const statuses = await Promise.all(this.members.map((member) => this.status(member)))
      if (new Set(statuses.map(({ appliedIndex }) => appliedIndex)).size === 1) return statuses
      if (performance.now() > endMs) throw new Error(`applied entries stay apart:\n${this.describe()}`)
      await this.heard.pause(50)
    }
  }

  describe(): string {
    const lines = this.members.map(({ name, child, opened, ready, status }) => {
      const life = `${child.running ? 'runs' : 'down'}, ${opened ? 'open' : 'not open'}, ${ready ? 'ready' : 'not ready'}`
      if (status === undefined) return `${name}: ${life}`
      const { role, leader, term, commitIndex, appliedIndex, revision, log } = status
      const state = `${role} of ${leader}, term ${term}, commit ${commitIndex}, applied ${appliedIndex}, revision ${revision}`
      return `${name}: ${life}; last heard: ${state}, log ${log.firstIndex}..${log.lastIndex}`
    })
    return lines.join('\n')
  }

  async clear(): Promise<void> {
    await Promise.all(this.members.map(({ child }) => child.kill()))
  }

  #hear(name: string, report: Report): void {
    const member = this.members.find((each) => each.name === name)
    if (member === undefined) throw new Error(`there is no member ${name}`)
    switch (report.type) {
      case 'opened':
        member.opened = true
        if (!this.#watches) break
        // Rejects when the process is killed meanwhile: then the next life watches.
        member.watches.forEach(({ revision }, watch) => {
          member.child.ask({ type: 'watch', watch, startRevision: revision + 1 }).catch(() => undefined)
        })
        break
      case 'ready':
        member.ready = true
        break
      case 'changes': {
        const seen = member.watches[report.watch]
        seen?.changes.push(...report.changes)
        // A notice of progress may tell what is known.
        if (seen !== undefined) seen.revision = Math.max(seen.revision, report.revision)
        break
      }
      case 'progress':
        member.status = report.status
        member.counts = report.status
        member.reached = Math.max(member.reached, report.status.revision)
        break
      case 'failed':
        this.heard.fail(new Error(`${name} failed: ${report.reason}`))
        break
    }
    this.heard.lookAgain()
  }
}

function add(a: Counts, b: Counts): Counts {
  return { stateWrites: a.stateWrites + b.stateWrites, logTrims: a.logTrims + b.logTrims }
}

function later(ms: number): Promise<false> {
  return new Promise((resolve) => {
    setTimeout(() => {
      resolve(false)
    }, ms)
  })
}

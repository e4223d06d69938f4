/**
 * Three services in three processes, what they have told so far, and everything to be cleared away afterwards.
 *
 * Always: {@link Stage.clear} leaves nothing: no process, no folder.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { StoreStatus } from 'quorate'
import { Ledger } from './ledger.js'
import type { Command, Report } from './messages.js'
import { Child } from './processes/child.js'
import { Expectations } from './processes/expectations.js'
import { freePorts } from './processes/free-ports.js'

export type Service = Child<Command, Report>

/** What the newest report said. */
export interface Known {
  readonly opened: Set<string>
  readonly caughtUp: Map<string, number>
  readonly entries: Map<string, number>
  leader: { readonly name: string | undefined; readonly term: number }
  /** The service that was last elected to decide on the configuration. */
  office: string | undefined
  configuration: number
  revision: number
}

/** An acknowledged write, and when it came to be known. */
export interface Acknowledged {
  readonly service: string
  readonly atMs: number
  readonly term: number
}

export interface StageListener {
  onLeader(leader: string | undefined, term: number): void
  onElected(service: string): void
}

const WAIT_MS_MAX = 45_000

export class Stage {
  readonly folder = mkdtempSync(join(tmpdir(), 'quorate-demo-'))
  /** To wait for what the services tell. */
  readonly heard = new Expectations(WAIT_MS_MAX)
  readonly ledger = new Ledger()
  readonly acknowledged: Acknowledged[] = []
  readonly known: Known = {
    ...{ opened: new Set(), caughtUp: new Map(), entries: new Map() },
    ...{ leader: { name: undefined, term: 0 }, office: undefined, configuration: 0, revision: 0 },
  }
  readonly services: readonly Service[]
  readonly #listener: StageListener

  static async set(names: readonly string[], listener: StageListener): Promise<Stage> {
    const ports = await freePorts(names.length)
    return new Stage(Object.fromEntries(names.map((name, at) => [name, `127.0.0.1:${ports[at]}`])), listener)
  }

  private constructor(cluster: Readonly<Record<string, string>>, listener: StageListener) {
    this.#listener = listener
    this.services = Object.keys(cluster).map((name) => {
      const logFile = join(this.folder, `${name}.log`)
      return new Child<Command, Report>({
        ...{ name, logFile, script: new URL('service.ts', import.meta.url) },
        args: [name, join(this.folder, name), JSON.stringify(cluster)],
        onReport: (report) => {
          this.#hear(name, report)
        },
        onCrash: (reason) => {
          this.heard.fail(new Error(`${name} ended by itself (${reason}).\n${readFileSync(logFile, 'utf8')}`))
        },
      })
    })
  }

  service(name: string): Service {
    const service = this.services.find((each) => each.name === name)
    if (service === undefined) throw new Error(`there is no service ${name}`)
    return service
  }

  start(service: Service): void {
    const { opened, caughtUp, entries } = this.known
    opened.delete(service.name)
    caughtUp.delete(service.name)
    entries.delete(service.name)
    service.start()
  }

  async kill(service: Service): Promise<void> {
    await service.kill()
    this.ledger.lost(service.name)
  }

  /** How all of them stand as soon as all have applied the same entries. */
  async agreement(): Promise<StoreStatus[]> {
    for (const endMs = performance.now() + WAIT_MS_MAX; ;) {
      const statuses = await Promise.all(this.services.map((service) => service.ask<StoreStatus>({ type: 'status' })))
      const applied = new Set(statuses.map(({ appliedIndex }) => appliedIndex))
      if (applied.size === 1) return statuses
      if (performance.now() > endMs) throw new Error(`applied entries stay apart: ${[...applied].join(', ')}`)
      await this.heard.pause(20)
    }
  }

  async clear(): Promise<void> {
    await Promise.all(this.services.map((service) => service.kill()))
    rmSync(this.folder, { recursive: true, force: true })
  }

  #hear(name: string, report: Report): void {
    const { known } = this
    this.ledger.record(name, report)
    switch (report.type) {
      case 'opened':
        known.opened.add(name)
        known.entries.set(name, report.entries)
        break
      case 'caught-up':
        known.caughtUp.set(name, report.revision)
        break
      case 'leader':
        this.#hearOfLeader(report.leader, report.term)
        break
      case 'elected':
        known.office = name
        this.#listener.onElected(name)
        break
      case 'configured':
        known.configuration = Math.max(known.configuration, report.version)
        break
      case 'acknowledged':
        known.revision = Math.max(known.revision, report.revision)
        this.acknowledged.push({ service: name, atMs: performance.now(), term: report.term })
        break
      case 'attempt':
      case 'failed':
        break
    }
    this.heard.lookAgain()
  }

  /** Several tell the same: the first one is news. */
  #hearOfLeader(name: string | undefined, term: number): void {
    const { leader } = this.known
    if (name === undefined || (leader.name === name && leader.term === term) || term < leader.term) return
    this.known.leader = { name, term }
    this.#listener.onLeader(name, term)
  }
}

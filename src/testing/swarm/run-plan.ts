/**
 * Runs a plan to its verdict.
 *
 *     start ──► safety: faults and operations ──► heal ──► liveness: a leader, every call ends, all alike ──► history
 *
 * Always: two runs of one plan are the same, event by event. Always: whatever is thrown anywhere in a run fails it.
 */
import type { Buggify, BuggifyPoint } from '../../base/buggify.js'
import { isStoreError } from '../../base/errors.js'
import type { HashResult } from '../../api/maintenance.js'
import type { Applied } from '../../machine/outcome.js'
import type { MemberEvent } from '../../member/event.js'
import { Checkers } from '../checkers/checkers.js'
import { Disturbances } from '../faults/disturbances.js'
import { Injector } from '../faults/inject.js'
import { Supervisor } from '../faults/supervisor.js'
import { NO_FAULTS } from '../sim/sim-network.js'
import type { WorldEvent } from '../sim/world-event.js'
import { SimWorld, type MemberOptions, type Place, type WorldOptions } from '../sim/world.js'
import { AuthJudge } from './auth-judge.js'
import { checkPlan } from './check-plan.js'
import { Clients, type OperationOutcome } from './clients.js'
import { CoverageSum, type Coverage } from './coverage.js'
import { DUPLICATE_MS_MAX } from './draw-plan.js'
import { Draw } from './draw.js'
import { failureOf, RunFailure, type RunVerdict } from './failure.js'
import { Judge } from './judge.js'
import { Operator } from './operator.js'
import type { Operation } from './operation.js'
import type { Plan, PlanSettings } from './plan.js'

export interface RunOptions {
  /** Told of everything that happens, as it happens. */
  readonly observe?: (event: WorldEvent) => void
  /** Stands between each member and its world, to plant a bug that the run must find. */
  readonly plant?: NonNullable<WorldOptions['plant']>
  /** Keeps the lines of the trace. Default false: its hash is enough. */
  readonly keepTrace?: boolean
}

/** What a run came to. */
export interface RunReport {
  readonly plan: Plan
  readonly verdict: RunVerdict
  /** Undefined when everything held. */
  readonly failure: RunFailure | undefined
  /** When it failed, in milliseconds of the run. */
  readonly failedAtMs: number | undefined
  /** Equal for two runs of one plan. */
  readonly traceHash: string
  readonly trace: readonly string[]
  readonly events: number
  readonly virtualMs: number
  readonly calls: Readonly<Record<OperationOutcome, number>>
  readonly revision: number
  readonly coverage: Coverage
}

/** A leader is there within so many election timeouts after everything healed. */
const LEADER_WITHIN_TIMEOUTS = 10
/** The longest time-out of a call, the waits of the recipes, and some. */
const CALLS_END_MS = 30_000
/** A transfer whose other end is gone is given up after ten election timeouts, and then begun anew. */
const ALIKE_WITHIN_MS = 40_000
const LAST_WRITES_MS = 10_000
/** What a process takes to ask all others who it is, some of which do not answer, and to open its store. */
const MEMBERS_OPEN_MS = 20_000
/** What an operator takes to put all machines right. */
const MACHINES_MS = 5_000
/** How often a point that is on fires, at least and at most. */
const BUGGIFY_PER_MILLION_MIN = 10_000
const BUGGIFY_PER_MILLION_MAX = 250_000

/**
 * A violation is the report's `failure`. Rejects with TypeError or RangeError that names the field, before anything runs,
 * for a plan that makes no sense, and for nothing else.
 */
export async function runPlan(plan: Plan, options: RunOptions = {}): Promise<RunReport> {
  checkPlan(plan)
  const run = new Run(plan, options)
  let failure: RunFailure | undefined
  try {
    await run.run()
  } catch (error) {
    failure = failureOf(error)
  }
  return run.report(failure)
}

class Run {
  readonly #plan: Plan
  readonly #options: RunOptions
  readonly #world: SimWorld
  readonly #supervisor: Supervisor
  readonly #operator: Operator
  readonly #injector: Injector
  readonly #clients: Clients
  readonly #checkers: Checkers
  readonly #disturbances = new Disturbances()
  readonly #judge: Judge
  readonly #coverage = new CoverageSum()
  /** How many lives each member has begun. */
  readonly #lives = new Map<string, number>()
  #healed = false
  /** The first thing that was found where nothing can be thrown. */
  #broken: RunFailure | undefined

  constructor(plan: Plan, options: RunOptions) {
    this.#plan = plan
    this.#options = options
    this.#checkers = new Checkers({
      bounds: plan.settings,
      electionTimeoutMs: plan.settings.electionTimeoutMs,
      unsynced: (member) => this.#world.place(member).disk.unsynced('log'),
    })
    const { auth } = this.#checkers
    this.#judge = new Judge({
      steadySince: (member, sinceMs) => this.#disturbances.noneSince(member, sinceMs),
      auth: new AuthJudge({
        latest: () => auth.latest,
        appliedIndexOf: (member) => this.#checkers.appliedIndexOf(member),
        mayRead: (user, key, from, through) => auth.mayRead(user, key, from, through),
      }),
    })
    this.#world = this.#makeWorld()
    const world = this.#world
    this.#supervisor = new Supervisor(world, {
      opened: (place) => {
        if (this.#operator.begins(place) === 'joins') this.#coverage.add('machines', 'a process joins')
      },
      ended: (process) => {
        this.#clients.processEnded(process)
      },
      rots: (member) => {
        this.#checkers.diskChanged(member, 'damaged')
      },
      wiped: (member) => {
        this.#operator.wiped(member)
      },
      isOfNobody: (member) => this.#operator.isOfNobody(member),
      mayLose: (member) => this.#operator.mayLose(member),
      belongs: (member) => this.#operator.belongs(member),
      broke: (failure) => {
        this.#broken ??= failure
      },
    })
    this.#operator = new Operator({
      ...{ plan, world, supervisor: this.#supervisor, checkers: this.#checkers },
      did: (work) => {
        this.#coverage.add('machines', work)
      },
    })
    this.#injector = new Injector({
      world,
      supervisor: this.#supervisor,
      observe: (event, fault) => {
        if (event === 'begin') this.#disturbances.begin(fault)
        else this.#disturbances.end(fault, world.nowMs)
        options.observe?.({ atMs: world.nowMs, subject: 'fault', event, fault })
      },
    })
    this.#clients = this.#makeClients()
  }

  async run(): Promise<void> {
    const plan = this.#plan
    this.#world.network.setFaults(plan.network)
    this.#supervisor.start()
    this.#operator.start()
    this.#injector.start(plan.faults)
    this.#clients.start()
    await this.#pass(plan.safetyMs)
    await this.#liveness()
    this.#judge.judge()
  }

  report(failure: RunFailure | undefined): RunReport {
    const { nowMs, scheduler, trace, network } = this.#world
    const calls = { ok: 0, refused: 0, unknown: 0, pending: 0, skipped: 0 }
    for (const [type, counts] of this.#clients.outcomes) {
      for (const outcome of Object.keys(calls) as OperationOutcome[]) {
        calls[outcome] += counts[outcome]
        this.#coverage.add('operation', `${type} ${outcome}`, counts[outcome])
      }
    }
    for (const [type, count] of this.#injector.effects) this.#coverage.add('fault', type, count)
    for (const [type, count] of Object.entries(network.statistics)) this.#coverage.add('network', type, count)
    return {
      plan: this.#plan,
      verdict: failure?.kind ?? 'ok',
      failure,
      failedAtMs: failure === undefined ? undefined : nowMs,
      traceHash: trace.hash,
      trace: trace.lines,
      events: scheduler.events,
      virtualMs: nowMs,
      calls,
      revision: Math.max(0, ...this.#world.statuses().map(({ revision }) => revision)),
      coverage: this.#coverage.coverage,
    }
  }

  #makeWorld(): SimWorld {
    const { seed, members, spares = [], settings } = this.#plan
    const { observe, plant, keepTrace = false } = this.#options
    return new SimWorld({
      seed,
      members: [...members, ...spares],
      first: members,
      begins: (place) => this.#operator.begins(place),
      keepTrace,
      open: (name) => ({ ...optionsOf(settings), observe: this.#observerOf(name) }),
      buggify: (name) => this.#buggifyOf(name),
      uncaught: (place, error) => {
        this.#supervisor.uncaught(place, error)
      },
      ...(plant === undefined ? {} : { plant }),
      observe: (event) => {
        if (event.subject === 'disk') this.#coverage.add('disk', event.event)
        observe?.(event)
      },
    })
  }

  /** A point that is on fires now and then, as its name, its member's life and how often it was asked before decide. */
  #buggifyOf(name: string): Buggify {
    const { seed, buggify } = this.#plan
    // Points that are asked once, at a start, would come out alike in every life of a member.
    const life = (this.#lives.get(name) ?? 0) + 1
    this.#lives.set(name, life)
    const points = new Map<BuggifyPoint, { readonly draw: Draw; readonly perMillion: number }>()
    for (const point of buggify) {
      const perMillion = new Draw('buggify', seed, point).spread(BUGGIFY_PER_MILLION_MIN, BUGGIFY_PER_MILLION_MAX)
      points.set(point, { draw: new Draw('buggify', seed, point, name, life), perMillion })
    }
    return (point) => {
      const asked = points.get(point)
      if (asked === undefined || this.#healed || !asked.draw.happens(asked.perMillion)) return false
      this.#coverage.add('slow way', point)
      return true
    }
  }

  #makeClients(): Clients {
    const { observe } = this.#options
    const world = this.#world
    return new Clients(world, this.#plan.operations, {
      storeOf: (store, client, { as, member }) => {
        return this.#judge.recorded(store, client, as === undefined ? undefined : { user: as, member })
      },
      addressOf: (name) => world.place(name).address,
      mayBegin: (operation) => this.#operator.mayBegin(operation),
      began: (operation, node) => {
        const { id } = operation
        this.#operator.began(operation)
        observe?.({ atMs: world.nowMs, subject: 'call', node, event: 'invoke', id, detail: describe(operation) })
      },
      ended: (operation, node, outcome, error) => {
        const { id } = operation
        this.#judge.locks.ended(operation)
        this.#operator.ended(operation)
        if (operation.type === 'change-members') this.#coverage.add('members', `${operation.step.step} ${outcome}`)
        if (isStoreError(error)) this.#coverage.add('refusal', error.code)
        const detail = error instanceof Error ? `${outcome}: ${error.message}` : outcome
        observe?.({ atMs: world.nowMs, subject: 'call', node, event: 'return', id, detail })
      },
      watched: (operation, event, watch) => {
        this.#judge.watched(operation, event, watch)
      },
      progressed: (operation, revision, watch) => {
        this.#judge.progressed(operation, revision, watch)
        this.#coverage.add('watch', 'progress')
      },
      hashed: (operation, hash) => {
        this.#hashed(operation, hash)
      },
      watchFailed: (operation, error, watch) => {
        this.#judge.watchFailed(operation, error, watch)
      },
      held: (holder) => {
        this.#judge.locks.held(holder)
      },
      broke: (error) => {
        this.#broken ??= failureOf(error)
      },
    })
  }

  #observerOf(name: string): (event: MemberEvent) => void {
    const check = this.#checkers.observer(name)
    const { observe } = this.#options
    return (event) => {
      check(event)
      observe?.({ atMs: this.#world.nowMs, subject: 'member', node: name, event })
      if (event.type === 'applied' && event.applied !== undefined) this.#applied(event.applied)
      if (event.type === 'state-durable') this.#operator.recorded(name, event.position.index)
      if (event.type === 'recovered') this.#operator.recorded(name, event.applied.index)
      if (event.type === 'state-adopted') this.#operator.recorded(name, event.position.index)
      if (event.type === 'scrubbed') this.#coverage.add('disk', 'read through')
      if (event.type === 'removed') this.#coverage.add('machines', 'a removed one is told')
      if (event.type === 'damage-found') this.#supervisor.damageFound(name, event.error)
      if (event.type === 'recovered' || event.type === 'state-adopted') this.#supervisor.verified(name)
      if (event.type !== 'decided') return
      this.#coverage.add('decision', event.event.type)
      this.#injector.decided(name, event.event.type)
    }
  }

  /** Not thrown through the member that told it: it may be in the middle of something. */
  #applied(applied: Applied): void {
    try {
      this.#judge.applied(applied)
    } catch (error) {
      this.#broken ??= failureOf(error)
    }
  }

  async #liveness(): Promise<void> {
    const { network } = this.#world
    const { electionTimeoutMs } = this.#plan.settings
    this.#healed = true
    this.#injector.heal()
    network.setFaults(NO_FAULTS)
    this.#supervisor.heal()
    this.#operator.heal()
    await this.#demand(MACHINES_MS, () => this.#operator.idle, 'machines are not as they should be')
    const leaderMs = LEADER_WITHIN_TIMEOUTS * electionTimeoutMs
    await this.#demand(leaderMs, () => this.#leader() !== undefined, 'there is no leader')
    this.#clients.stop()
    const calls = (): string => this.#clients.underWay.map(describe).join(', ')
    const ended = (): boolean => this.#clients.underWay.length === 0
    await this.#demand(CALLS_END_MS, ended, () => `calls do not end: ${calls()}`)
    await this.#demand(
      MEMBERS_OPEN_MS,
      () => this.#members.every(({ store }) => store !== undefined),
      () => `members do not open: ${this.#describe()}`,
    )
    // A frame of a call whose process died may still be on its way, and take effect when it arrives.
    await this.#pass(DUPLICATE_MS_MAX)
    await this.#lastWrites()
    await this.#demand(
      ALIKE_WITHIN_MS,
      () => this.#alike(),
      () => `members are not alike: ${this.#describe()}`,
    )
    await this.#lastHashes()
  }

  /** Every member takes a write. */
  async #lastWrites(): Promise<void> {
    const left = new Set<string>()
    for (const { name, store } of this.#members) {
      left.add(name)
      if (store === undefined) continue
      const last = this.#judge.recorded(store, `last on ${name}`, undefined)
      const call = { timeoutMs: LAST_WRITES_MS / 2 }
      // Where NOSPACE may be active, one that it lets pass.
      const quota = this.#plan.settings.quotaBytes !== undefined
      const written: Promise<unknown> = quota ? last.delete(`last/${name}`, call) : last.put(`last/${name}`, name, call)
      written.then(
        () => left.delete(name),
        (error: unknown) => {
          this.#broken ??= new RunFailure(
            'liveness',
            `${name} refuses a write when all is well again: ${String(error)}`,
          )
        },
      )
    }
    await this.#demand(
      LAST_WRITES_MS,
      () => left.size === 0,
      () => `writes do not end on ${[...left].join(', ')}`,
    )
  }

  /** What can be read of history is the same on all members. */
  async #lastHashes(): Promise<void> {
    const left = new Set<string>()
    for (const { name, store } of this.#members) {
      left.add(name)
      store?.maintenance
        .hash({ timeoutMs: LAST_WRITES_MS })
        .then((hash) => {
          this.#hashed({ id: 0, member: name }, hash)
          left.delete(name)
        })
        .catch((error: unknown) => {
          this.#broken ??= failureOf(error)
        })
    }
    await this.#demand(
      LAST_WRITES_MS,
      () => left.size === 0,
      () => `hashes do not end on ${[...left].join(', ')}`,
    )
  }

  #hashed(operation: Pick<Operation, 'id' | 'member'>, hash: HashResult): void {
    if (this.#judge.hashed(operation, hash)) this.#coverage.add('hash', 'the same on another member')
  }

  #leader(): string | undefined {
    return this.#world.statuses().find(({ role }) => role === 'leader')?.name
  }

  /** Where members are to run, by what is committed. */
  get #members(): readonly Place[] {
    return this.#operator.members.map((name) => this.#world.place(name))
  }

  #alike(): boolean {
    const statuses = this.#members.map(({ store }) => store?.status())
    const [first] = statuses
    return statuses.every((each) => each?.appliedIndex === first?.appliedIndex && each?.digest === first?.digest)
  }

  #describe(): string {
    return this.#world
      .statuses()
      .map((each) => `${each.name} ${each.role} applied ${each.appliedIndex} revision ${each.revision} ${each.digest}`)
      .join(', ')
  }

  async #demand(withinMs: number, holds: () => boolean, otherwise: string | (() => string)): Promise<void> {
    if (await this.#until(holds, withinMs)) return
    const what = typeof otherwise === 'string' ? otherwise : otherwise()
    throw new RunFailure('liveness', `${withinMs} ms after everything was healed ${what}`)
  }

  async #pass(forMs: number): Promise<void> {
    await this.#until(() => false, forMs)
  }

  #until(until: () => boolean, limitMs: number): Promise<boolean> {
    return this.#world.run(until, limitMs, () => {
      this.#supervisor.look()
      this.#checkers.check()
      if (this.#broken !== undefined) throw this.#broken
    })
  }
}

/** The cheapest hashes there may be: passwords of a simulation are no secrets. */
const SCRYPT = { costLog2: 10, blockSize: 1, parallelization: 1 }

function optionsOf({ autoCompactionMs, ...settings }: PlanSettings): MemberOptions {
  const auth = { scrypt: SCRYPT }
  if (autoCompactionMs === undefined) return { ...settings, auth }
  return { ...settings, auth, autoCompaction: { mode: 'periodic', retentionMs: autoCompactionMs } }
}

function describe({ id, type, client, as }: Operation): string {
  return `${type} v${id} of client ${client}${as === undefined ? '' : ` as ${as}`}`
}

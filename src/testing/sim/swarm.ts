/**
 * One run of a small cluster under faults, decided by its seed: what goes wrong, how often, how large the limits are.
 *
 *     start ──► safety: faults at random, clients at work ──► heal ──► liveness: a leader, every call ends, all alike ──► verdict
 *
 * Which kinds of fault a seed has at all is drawn too (swarm testing): a run without crashes finds what crashes would hide.
 */
import { AssertionError } from '../../base/assert.js'
import { below, type Random } from '../../base/random.js'
import { seededRandom } from '../../base/seeded-random.js'
import type { WatchEvent } from '../../api/store.js'
import { Checkers } from '../checkers/checkers.js'
import { checkHistory } from './history.js'
import { NO_FAULTS, type NetworkFaults } from './sim-network.js'
import { Workload } from './workload.js'
import { SimWorld, type Place, type WorldOptions } from './world.js'

export interface SwarmOptions {
  readonly seed: number
  /** Virtual milliseconds of the safety phase. Default 6000. */
  readonly safetyMs?: number
  readonly keepTrace?: boolean
  readonly plant?: NonNullable<WorldOptions['plant']>
}

/** What a run came to; for people, and to be summed up over many. */
export interface SwarmReport {
  readonly seed: number
  /** Equal for two runs of one seed. */
  readonly traceHash: string
  readonly trace: readonly string[]
  readonly events: number
  readonly virtualMs: number
  readonly calls: Readonly<Record<'ok' | 'refused' | 'unknown' | 'pending', number>>
  readonly revision: number
  readonly crashes: number
  readonly cuts: number
  readonly stateWrites: number
  readonly logTrims: number
  /** Undefined when everything held. */
  readonly failure: Error | undefined
}

const ELECTION_TIMEOUT_MS = 300
/** A leader is there within ten election timeouts after the heal, and what was pending has ended by then or soon after. */
const LIVENESS_MS = 10 * ELECTION_TIMEOUT_MS
/** The time-out of a call, and some. */
const CALLS_END_MS = 7_000
/** How late a frame may come a second time. */
const DUPLICATE_MS_MAX = 3_000

/** Runs one seed to its verdict. Never rejects: a violation is the report's `failure`. */
export async function runSwarm(options: SwarmOptions): Promise<SwarmReport> {
  const run = new SwarmRun(options)
  let failure: Error | undefined
  try {
    await run.run()
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error))
  }
  return run.report(failure)
}

class SwarmRun {
  readonly #options: SwarmOptions
  readonly #world: SimWorld
  readonly #random: Random
  readonly #checkers: Checkers
  readonly #workload: Workload
  readonly #pauseMsMax: number
  /** Mean virtual time between two faults of a kind; 0: not in this run. */
  readonly #crashEveryMs: number
  readonly #cutEveryMs: number
  #crashes = 0
  #cuts = 0
  #stateWrites = 0
  #logTrims = 0

  constructor(options: SwarmOptions) {
    this.#options = options
    const random = seededRandom(options.seed)
    // Small, so that a run sees state writes and trims; the log is kept long enough for who was down.
    const bounds = { stateBufferBytesMax: 200 + below(random, 5_000), logRetainBytes: 1_000_000 }
    this.#checkers = new Checkers({ bounds, unsynced: (name) => this.#world.place(name).disk.unsynced('log') })
    this.#world = new SimWorld({
      seed: options.seed,
      keepTrace: options.keepTrace ?? false,
      ...(options.plant === undefined ? {} : { plant: options.plant }),
      open: (name) => ({
        electionTimeoutMs: ELECTION_TIMEOUT_MS,
        ...bounds,
        observe: this.#checkers.observer(name),
      }),
    })
    this.#random = random
    this.#workload = new Workload(this.#world)
    this.#pauseMsMax = 20 + below(random, 200)
    this.#crashEveryMs = below(random, 3) === 0 ? 0 : 400 + below(random, 2000)
    this.#cutEveryMs = below(random, 3) === 0 ? 0 : 400 + below(random, 2000)
    this.#world.network.setFaults(drawFaults(random))
  }

  async run(): Promise<void> {
    const { places } = this.#world
    for (const place of places) this.#start(place)
    await this.#safety(this.#options.safetyMs ?? 6000)
    await this.#liveness()
    checkHistory(await this.#history(), this.#workload.calls, this.#workload.watches)
  }

  report(failure: Error | undefined): SwarmReport {
    for (const place of this.#world.places) this.#count(place)
    const calls = { ok: 0, refused: 0, unknown: 0, pending: 0 }
    for (const { outcome } of this.#workload.calls) calls[outcome]++
    const { seed, trace, nowMs, scheduler } = this.#world
    return {
      seed,
      traceHash: trace.hash,
      trace: trace.lines,
      events: scheduler.events,
      virtualMs: nowMs,
      calls,
      revision: Math.max(0, ...this.#world.statuses().map(({ revision }) => revision)),
      crashes: this.#crashes,
      cuts: this.#cuts,
      stateWrites: this.#stateWrites,
      logTrims: this.#logTrims,
      failure,
    }
  }

  async #safety(forMs: number): Promise<void> {
    const endMs = this.#world.nowMs + forMs
    let nextCrashMs = this.#drawNext(this.#crashEveryMs)
    let nextCutMs = this.#drawNext(this.#cutEveryMs)
    while (this.#world.nowMs < endMs) {
      const untilMs = Math.min(endMs, nextCrashMs, nextCutMs)
      await this.#pass(untilMs - this.#world.nowMs)
      if (this.#world.nowMs >= nextCrashMs) {
        this.#crashSomebody()
        nextCrashMs = this.#drawNext(this.#crashEveryMs)
      }
      if (this.#world.nowMs >= nextCutMs) {
        this.#cutSomewhere()
        nextCutMs = this.#drawNext(this.#cutEveryMs)
      }
    }
  }

  async #liveness(): Promise<void> {
    const { network, places } = this.#world
    network.healAll()
    network.setFaults(NO_FAULTS)
    for (const place of places) if (place.process === undefined) this.#start(place)
    const led = await this.#until(() => this.#world.statuses().some(({ role }) => role === 'leader'), LIVENESS_MS)
    if (!led) stuck(`no leader ${LIVENESS_MS} ms after everything was healed`)
    this.#workload.stop()
    const ended = await this.#until(() => this.#workload.underWay === 0, CALLS_END_MS)
    if (!ended) stuck(`${this.#workload.underWay} calls have not ended ${CALLS_END_MS} ms after everything was healed`)
    // A frame of a call whose process died may still be on its way, and take effect when it arrives.
    await this.#pass(DUPLICATE_MS_MAX)
    const alike = await this.#until(() => this.#alike(), LIVENESS_MS)
    if (!alike) stuck(`members are not alike ${LIVENESS_MS} ms after the last call: ${this.#describe()}`)
  }

  /** Everything the store went through, as the first member tells it. */
  async #history(): Promise<WatchEvent[]> {
    const events: WatchEvent[] = []
    const store = this.#world.places[0]?.store
    if (store === undefined) return stuck('the first member is not open')
    const through = store.status().revision
    const watch = store.watch({ all: true }, { startRevision: 2 })
    let done = watch.revision >= through
    void (async () => {
      for await (const event of watch) {
        events.push(event)
        if (watch.revision >= through) break
      }
      done = true
    })()
    if (!(await this.#until(() => done, LIVENESS_MS))) stuck(`history ends at ${watch.revision}, not at ${through}`)
    return events
  }

  /** Starts a process, and clients beside it once its store is open. */
  #start(place: Place): void {
    this.#world.start(place)
    const { process } = place
    const attach = (): void => {
      if (place.process !== process) return
      if (place.failure !== undefined)
        throw new AssertionError(
          `${place.name} could not open its store: ${place.failure instanceof Error ? place.failure.message : 'for an unknown reason'}`,
        )
      if (place.store === undefined) this.#world.scheduler.timersOf(process).after(1, attach)
      else this.#workload.attach(place, 2, this.#pauseMsMax)
    }
    attach()
  }

  #crashSomebody(): void {
    const alive = this.#world.places.filter(({ process }) => process !== undefined)
    const place = alive[below(this.#random, alive.length)]
    if (place === undefined) return
    this.#count(place)
    this.#crashes++
    this.#world.crash(place, below(this.#random, 2) === 0 ? 'power' : 'process')
    this.#world.scheduler.timersOf().after(below(this.#random, 1500), () => {
      if (place.process === undefined) this.#start(place)
    })
  }

  #cutSomewhere(): void {
    const { network, places, scheduler } = this.#world
    const a = places[below(this.#random, places.length)]?.name ?? ''
    const others = places.filter(({ name }) => name !== a).map(({ name }) => name)
    const b = others[below(this.#random, others.length)] ?? ''
    this.#cuts++
    const kind = below(this.#random, 3)
    this.#world.trace.note(`cut ${['one way', 'both ways', 'from all'][kind] ?? ''} ${a} ${b}`)
    if (kind === 0) network.cutOneWay(a, b)
    else if (kind === 1) network.cut(a, b)
    else network.partition([[a], others])
    scheduler.timersOf().after(below(this.#random, 1500), () => {
      network.healAll()
    })
  }

  #count(place: Place): void {
    const status = place.store?.status()
    this.#stateWrites += status?.stateWrites ?? 0
    this.#logTrims += status?.logTrims ?? 0
  }

  #alike(): boolean {
    const statuses = this.#world.statuses()
    const [first] = statuses
    return (
      statuses.length === this.#world.places.length &&
      statuses.every(({ appliedIndex, digest }) => appliedIndex === first?.appliedIndex && digest === first.digest)
    )
  }

  #describe(): string {
    return this.#world
      .statuses()
      .map((each) => `${each.name} ${each.role} applied ${each.appliedIndex}`)
      .join(', ')
  }

  #drawNext(everyMs: number): number {
    return everyMs === 0 ? Infinity : this.#world.nowMs + below(this.#random, 2 * everyMs)
  }

  async #pass(forMs: number): Promise<void> {
    await this.#until(() => false, forMs)
  }

  #until(until: () => boolean, limitMs: number): Promise<boolean> {
    return this.#world.run(until, limitMs, () => {
      this.#checkers.check()
    })
  }
}

function drawFaults(random: Random): Partial<NetworkFaults> {
  const sometimes = (limit: number): number => (below(random, 2) === 0 ? 0 : below(random, limit))
  return {
    lossPerMillion: sometimes(200_000),
    delayMsMin: below(random, 3),
    delayMsHalf: 1 + below(random, 20),
    spikePerMillion: sometimes(20_000),
    spikeMs: below(random, 500),
    reorderPerMillion: sometimes(200_000),
    reorderMsMax: below(random, 100),
    duplicatePerMillion: sometimes(200_000),
    duplicateMsMax: below(random, DUPLICATE_MS_MAX),
    noticeMs: below(random, 100),
  }
}

function stuck(what: string): never {
  throw new AssertionError(`liveness violated: ${what}`)
}

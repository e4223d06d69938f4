/**
 * `simulate()`: runs a program that imports Quorate on every node of a simulated world, over many seeds, until one fails.
 *
 * Always: two runs of a seed are the same; the first seed and one that fails are run twice to see that the program keeps
 * to it. Always: one simulation at a time in a process. They wait for each other, since what nobody catches is told to the
 * process, and must be told from whom.
 */
import { crc32 } from '../../base/checksum.js'
import type { Fault, FaultType } from '../faults/fault.js'
import { RunRecorder } from '../report/run-recorder.js'
import type { WorldEvent } from '../sim/world-event.js'
import { describeDifference, firstDifference } from '../sim/trace.js'
import { ddmin } from '../swarm/ddmin.js'
import { faultsOfSeed } from './drawn-faults.js'
import { SimulationError, type SimulationFailure } from './failure.js'
import { settingsOf, type Settings, type SimulateOptions } from './options.js'
import { runOnce, type RunOutcome } from './run.js'

export interface SimulateReport<Observed = unknown> {
  /** Seeds that were run, each to its end or to its failure. */
  readonly seeds: number
  /** Events and virtual time of all of them. */
  readonly events: number
  readonly virtualMs: number
  /** How often each kind of fault took effect. */
  readonly faults: Readonly<Partial<Record<FaultType, number>>>
  /** In how many seeds each point was reached. */
  readonly marks: Readonly<Record<string, number>>
  /** How often programs ended by an error that nobody caught, by its code or name. */
  readonly uncaught: Readonly<Record<string, number>>
  /** Of everything that happened: equal for two simulations of the same seeds. */
  readonly traceHash: string
  readonly failure: SimulationFailure<Observed> | undefined
}

/** Runs that shrinking a list of faults may take. */
const SHRINK_RUNS_MAX = 150

const QUEUE = { last: Promise.resolve() as Promise<unknown> }

/**
 * Runs `app` on every node of a simulated world, for each seed: first with faults, then healed. Rejects with TypeError or
 * RangeError before anything runs when the options make no sense, and with SimulationError when a seed fails, whose message
 * holds the seed, the faults that it takes and the end of the story. TypeError, too, for `always` or `eventually` that are
 * async, or an answer of `eventually` that is neither true nor false.
 *
 * @example
 * await simulate({
 *   app: async (env) => {
 *     const store = await open({ ...env.store })
 *     await store.put(`hello/${env.node}`, 'world')
 *     env.mark('said hello')
 *   },
 *   faults: { kinds: ['crash', 'partition'], everyMs: 5_000 },
 *   marks: ['said hello'],
 * })
 */
export function simulate<Observed = unknown, Exposed = unknown>(
  options: SimulateOptions<Observed, Exposed>,
): Promise<SimulateReport<Observed>> {
  const simulated = QUEUE.last.then(async () => {
    const settings = settingsOf(options, process.env['SIMULATE_SEED'])
    const report = await new Simulation(settings).run()
    if (report.failure !== undefined && settings.throws) throw new SimulationError(report.failure)
    return report
  })
  QUEUE.last = simulated.catch(() => undefined)
  return simulated
}

class Simulation<Observed, Exposed> {
  readonly #settings: Settings<Observed, Exposed>
  readonly #faults: Partial<Record<FaultType, number>> = {}
  readonly #marks = new Map<string, number>()
  readonly #uncaught: Record<string, number> = {}
  #seeds = 0
  #events = 0
  #virtualMs = 0
  #hash = 0
  /** Wrote down the second run of a seed that failed. */
  #recorder: RunRecorder | undefined

  constructor(settings: Settings<Observed, Exposed>) {
    this.#settings = settings
    for (const mark of settings.marks) this.#marks.set(mark, 0)
  }

  async run(): Promise<SimulateReport<Observed>> {
    const { firstSeed, seedCount } = this.#settings
    for (let seed = firstSeed; seed < firstSeed + seedCount; seed++) {
      const failure = await this.#runSeed(seed)
      if (failure !== undefined) return this.#report(await this.#recorded(failure))
    }
    return this.#report(seedCount > 1 ? this.#neverMarked() : undefined)
  }

  async #runSeed(seed: number): Promise<SimulationFailure<Observed> | undefined> {
    const { firstSeed, seedCount } = this.#settings
    const faults = faultsOfSeed(this.#settings, seed)
    const outcome = await runOnce(this.#settings, seed, faults)
    this.#count(outcome)
    if (outcome.failure === undefined && (seed !== firstSeed || seedCount === 1)) return undefined
    // That two runs differ is what comes of it: the cause says more.
    if (outcome.failure?.kind === 'not-simulated')
      return failureOf(seed, faults, faults.length, outcome, outcome.failure)
    return (await this.#differs(seed, faults, outcome)) ?? this.#shrunk(seed, faults, outcome)
  }

  #count({ chronicle, events, virtualMs, traceHash, effects }: RunOutcome<Observed>): void {
    this.#seeds++
    this.#events += events
    this.#virtualMs += virtualMs
    for (const { error } of chronicle.uncaught) {
      const name = nameOf(error)
      this.#uncaught[name] = (this.#uncaught[name] ?? 0) + 1
    }
    this.#hash = crc32(Buffer.from(traceHash), this.#hash)
    for (const [type, count] of effects) this.#faults[type] = (this.#faults[type] ?? 0) + count
    for (const mark of chronicle.marks) this.#marks.set(mark, (this.#marks.get(mark) ?? 0) + 1)
  }

  /** Runs it again; the failure, if that was another run. */
  async #differs(
    seed: number,
    faults: readonly Fault[],
    first: RunOutcome<Observed>,
  ): Promise<SimulationFailure<Observed> | undefined> {
    // That it is the same run as the first is about to be seen: so it can be the one that is written down.
    if (first.failure !== undefined) this.#recorder = this.#newRecorder()
    const observe = this.#recorder === undefined ? {} : { observe: observerOf(this.#recorder) }
    const again = await runOnce(this.#settings, seed, faults, observe)
    if (again.traceHash === first.traceHash) return undefined
    const one = await runOnce(this.#settings, seed, faults, { keepTrace: true })
    const other = await runOnce(this.#settings, seed, faults, { keepTrace: true })
    const difference = firstDifference(one.trace, other.trace)
    const where = difference === undefined ? '' : `\n${describeDifference(difference)}`
    const message =
      'two runs of this seed differ: the program uses a clock, timers or randomness that are not of its environment, or ' +
      `keeps something between runs (traps: true finds the former)${where}`
    return failureOf(seed, faults, faults.length, again, {
      kind: 'nondeterministic',
      message,
      error: undefined,
      atMs: again.virtualMs,
    })
  }

  /** The failure with as few faults as it takes. */
  async #shrunk(
    seed: number,
    faults: readonly Fault[],
    first: RunOutcome<Observed>,
  ): Promise<SimulationFailure<Observed> | undefined> {
    if (first.failure === undefined) return undefined
    if (!this.#settings.shrink) return failureOf(seed, faults, faults.length, first, first.failure)
    let last = first
    let runs = 0
    const kept = await ddmin(faults, async (some) => {
      if (runs++ >= SHRINK_RUNS_MAX) return undefined
      const outcome = await runOnce(this.#settings, seed, some)
      if (outcome.failure?.kind !== first.failure?.kind) return false
      last = outcome
      return true
    })
    return failureOf(seed, kept, faults.length, last, last.failure ?? first.failure)
  }

  /** With everything that happened, of which a run with fewer faults has yet to be made for it. */
  async #recorded(failure: SimulationFailure<Observed>): Promise<SimulationFailure<Observed>> {
    const { seed, kind, faults, faultsOfRun, message, atMs } = failure
    let recorder = this.#recorder
    if (recorder === undefined || faults.length < faultsOfRun) {
      recorder = this.#newRecorder()
      await runOnce(this.#settings, seed, faults, { observe: observerOf(recorder) })
    }
    const written = recorder
    const headline = { seed, verdict: kind, faults: faults.length, operations: 0, replay: `SIMULATE_SEED=${seed}` }
    return { ...failure, recorded: () => written.record(headline, { atMs, message }) }
  }

  #newRecorder(): RunRecorder {
    return new RunRecorder({ members: this.#settings.nodes })
  }

  #neverMarked(): SimulationFailure<Observed> | undefined {
    const never = this.#settings.marks.filter((mark) => this.#marks.get(mark) === 0)
    if (never.length === 0) return undefined
    return {
      kind: 'marks',
      seed: this.#settings.firstSeed,
      atMs: 0,
      message: `in ${this.#seeds} seeds nobody reached ${never.map((mark) => `"${mark}"`).join(', ')}: more seeds, or other faults`,
      error: undefined,
      faults: [],
      faultsOfRun: 0,
      story: [],
      observations: [],
      traceHash: this.#traceHash,
    }
  }

  get #traceHash(): string {
    return this.#hash.toString(16).padStart(8, '0')
  }

  #report(failure: SimulationFailure<Observed> | undefined): SimulateReport<Observed> {
    return {
      seeds: this.#seeds,
      events: this.#events,
      virtualMs: this.#virtualMs,
      faults: this.#faults,
      marks: Object.fromEntries(this.#marks),
      uncaught: this.#uncaught,
      traceHash: this.#traceHash,
      failure,
    }
  }
}

function observerOf(recorder: RunRecorder): (event: WorldEvent) => void {
  return (event) => {
    recorder.world(event)
  }
}

function failureOf<Observed>(
  seed: number,
  faults: readonly Fault[],
  faultsOfRun: number,
  { chronicle, traceHash }: RunOutcome<Observed>,
  failure: NonNullable<RunOutcome<Observed>['failure']>,
): SimulationFailure<Observed> {
  const { story, observations } = chronicle
  return { ...failure, seed, faults, faultsOfRun, story, observations, traceHash }
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error
  const { code } = error as { readonly code?: unknown }
  return typeof code === 'string' ? code : error.name
}

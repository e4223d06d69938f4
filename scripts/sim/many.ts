/** Many seeds on all cores: progress while it goes on, failures shrunk and kept, coverage at the end. */
import { drawPlan, CoverageSum, neverSeen, unexpected, type DrawOptions } from '../../src/testing/index.js'
import { bundleWorker } from './bundle.js'
import { coverageTable } from './coverage-table.js'
import { keepFailure } from './failure-folder.js'
import type { Answers, FailureText, Order, Ran, Setup } from './messages.js'
import { Pool } from './pool.js'

export interface ManyOptions {
  readonly from: number
  /** Undefined: until the time is over. */
  readonly seeds: number | undefined
  readonly minutes: number | undefined
  readonly simulatedMinutes: number
  /** Whether members come and go in every run, or in none. Undefined: in some. */
  readonly membership: boolean | undefined
  readonly threads: number
  readonly setup: Setup
  /** End with the first failure. Default false. */
  readonly untilFailure?: boolean
  readonly log: (line: string) => void
}

/** A seed takes some seconds; what takes so long never ends. */
const ANSWER_WITHIN_MS = 300_000
const SHRINK_MS = 60_000
const PROGRESS_EVERY_MS = 5_000
/** One seed in so many is run twice. */
const TWICE_ONE_IN = 20
/** Shorter runs need not have seen everything. */
export const COMPLETE_FROM_SEEDS = 500
/** Failures of one class that are shrunk: more of the same teach nothing. */
const SHRUNK_PER_CLASS_MAX = 3

export interface ManyResult {
  readonly seeds: number
  readonly failures: readonly (readonly [seed: number, failure: FailureText])[]
  readonly complete: boolean
}

export class Many {
  readonly #options: ManyOptions
  readonly #pool: Pool<Order, Answers>
  readonly #coverage = new CoverageSum()
  readonly #failures: [number, FailureText][] = []
  readonly #shrunk = new Map<string, number>()
  readonly #startMs = performance.now()
  #next: number
  #seeds = 0
  #virtualMs = 0
  #events = 0
  #operations = 0
  #stopped = false

  constructor(options: ManyOptions) {
    const { threads, setup } = options
    this.#options = options
    const program = bundleWorker(new URL('./worker.ts', import.meta.url))
    this.#pool = new Pool({ threads, program, setup, answerWithinMs: ANSWER_WITHIN_MS })
    this.#next = options.from
  }

  /** No further seed is begun. */
  stop(): void {
    this.#stopped = true
  }

  async run(): Promise<ManyResult> {
    const { threads, minutes, log } = this.#options
    const progress = setInterval(() => log(this.#progress()), PROGRESS_EVERY_MS)
    const over = minutes === undefined ? undefined : setTimeout(() => this.stop(), minutes * 60_000)
    await Promise.all(Array.from({ length: threads }, () => this.#lane()))
    clearInterval(progress)
    clearTimeout(over)
    await this.#pool.end()
    return this.#end()
  }

  async #lane(): Promise<void> {
    const { from, seeds } = this.#options
    while (!this.#stopped && (seeds === undefined || this.#next < from + seeds)) {
      const seed = this.#next++
      this.#seeds++
      let ran: Ran
      try {
        ran = await this.#pool.ask({ type: 'run', seed, draw: this.#draw, twice: seed % TWICE_ONE_IN === 0 })
      } catch (error) {
        // The thread died of what no run could catch, or never answered.
        await this.#failed(
          seed,
          { kind: 'crash', invariant: undefined, message: String(error), stack: undefined },
          false,
        )
        continue
      }
      this.#add(ran)
      if (ran.failure !== undefined) await this.#failed(seed, ran.failure, ran.failure.kind !== 'nondeterminism')
    }
  }

  get #draw(): DrawOptions {
    const { simulatedMinutes, membership } = this.#options
    return { safetyMs: simulatedMinutes * 60_000, ...(membership === undefined ? {} : { membership }) }
  }

  #add({ virtualMs, events, operations, coverage }: Ran): void {
    this.#virtualMs += virtualMs
    this.#events += events
    this.#operations += operations
    this.#coverage.addAll(coverage)
  }

  async #failed(seed: number, failure: FailureText, shrinkable: boolean): Promise<void> {
    const { log, setup, simulatedMinutes, membership } = this.#options
    this.#failures.push([seed, failure])
    if (this.#options.untilFailure === true) this.stop()
    log(`\nseed ${seed} failed: ${failure.kind}\n  ${failure.message.replaceAll('\n', '\n  ')}`)
    const minutes = simulatedMinutes === 5 ? '' : ` --simulated-minutes ${simulatedMinutes}`
    log(`  replay: npm run sim -- --seed ${seed}${minutes}${membership === true ? ' --membership' : ''}`)
    const name = `${failure.kind} ${failure.invariant ?? ''}`
    const count = this.#shrunk.get(name) ?? 0
    if (!shrinkable || count >= SHRUNK_PER_CLASS_MAX) return
    this.#shrunk.set(name, count + 1)
    const drawn = drawPlan(seed, this.#draw)
    const {
      plan: shrunk,
      failure: last,
      runs,
    } = await this.#pool.ask({ type: 'shrink', plan: drawn, failure, limitMs: SHRINK_MS })
    const folder = await keepFailure({ seed, drawn, shrunk, failure: last }, setup)
    log(
      `  seed ${seed} shrunk in ${runs} runs to ${shrunk.faults.length} faults and ${shrunk.operations.length} operations, ` +
        `${shrunk.members.length} members: ${folder}/\n  replay: npm run sim -- --plan ${folder}/plan.json --transcript`,
    )
  }

  #progress(): string {
    const seconds = (performance.now() - this.#startMs) / 1000
    const simulatedHours = this.#virtualMs / 3_600_000
    const faults = Object.values(this.#coverage.coverage['fault'] ?? {}).reduce((sum, each) => sum + each, 0)
    return (
      `${seconds.toFixed(0).padStart(6)} s  ${this.#seeds} seeds  ${simulatedHours.toFixed(2)} h simulated ` +
      `(${(this.#virtualMs / 1000 / seconds).toFixed(0)} s/s)  ${Math.round(this.#events / seconds).toLocaleString('en')} events/s  ` +
      `${faults.toLocaleString('en')} faults  ${this.#failures.length} failed`
    )
  }

  #end(): ManyResult {
    const { log } = this.#options
    const { coverage } = this.#coverage
    const missing = neverSeen(coverage)
    const surprising = unexpected(coverage)
    const long = this.#seeds >= COMPLETE_FROM_SEEDS
    log(`\n${coverageTable(coverage)}`)
    if (surprising.length > 0) log(`\nsaid to be impossible, and seen:\n  ${surprising.join('\n  ')}`)
    if (missing.length > 0) {
      log(
        `\nnever seen${long ? '' : ` (in fewer than ${COMPLETE_FROM_SEEDS} seeds no error)`}:\n  ${missing.join('\n  ')}`,
      )
    }
    log(`\n${this.#progress().trim()}, ${this.#operations.toLocaleString('en')} operations`)
    for (const [seed, { kind, message }] of this.#failures)
      log(`failed: seed ${seed}: ${kind}: ${message.split('\n')[0]}`)
    const complete = surprising.length === 0 && (!long || missing.length === 0)
    return { seeds: this.#seeds, failures: this.#failures, complete }
  }
}

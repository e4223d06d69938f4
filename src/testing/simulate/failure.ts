/** How a simulation fails, and how it says so: what, when, by which faults, the end of the story, how to see it again. */
import type { Fault } from '../faults/fault.js'
import type { RunRecord } from '../report/run-record.js'
import { describeFault } from '../report/describe-fault.js'
import type { Observation } from './app.js'
import { messageOf, type StoryLine } from './chronicle.js'

/**
 * - `always`: the check that runs after every event threw.
 * - `eventually`: everything was healed, and what must hold in the end did not.
 * - `at-end`: the last check threw, or did not come to an end.
 * - `uncaught`: a program threw or rejected, and nobody asked for it to be started again.
 * - `not-simulated`: a program used what the traps forbid.
 * - `nondeterministic`: two runs of the seed were not the same.
 * - `marks`: no seed reached a point that was to be reached.
 * - `assertion`: the simulation could not go on, or Quorate broke an invariant of its own.
 */
export type SimulationFailureKind =
  'always' | 'eventually' | 'at-end' | 'uncaught' | 'not-simulated' | 'nondeterministic' | 'marks' | 'assertion'

export interface SimulationFailure<Observed = unknown> {
  readonly kind: SimulationFailureKind
  readonly seed: number
  /** Virtual milliseconds from the start. */
  readonly atMs: number
  readonly message: string
  /** What was thrown, if anything was. */
  readonly error: unknown
  /** The faults that it takes: of those of the run, the others were left out and it failed in the same way. */
  readonly faults: readonly Fault[]
  /** How many there were at first. */
  readonly faultsOfRun: number
  readonly story: readonly StoryLine[]
  readonly observations: readonly Observation<Observed>[]
  readonly traceHash: string
  /** Everything that happened, for `timelinePage()` and `transcript()`; undefined where no run failed. */
  readonly recorded?: () => RunRecord
}

/** Thrown by `simulate()`; its message is for people, all there is to know is in `failure`. */
export class SimulationError extends Error {
  override readonly name = 'SimulationError'
  readonly #failure: SimulationFailure

  constructor(failure: SimulationFailure) {
    super(describeFailure(failure), failure.error === undefined ? undefined : { cause: failure.error })
    this.#failure = failure
  }

  /** Not a field: whoever prints the error would print all of it. */
  get failure(): SimulationFailure {
    return this.#failure
  }
}

const MEANING: Readonly<Record<SimulationFailureKind, string>> = {
  always: 'what must always hold did not',
  eventually: 'what must hold in the end did not, though everything was healed',
  'at-end': 'the check at the end failed',
  uncaught: 'a program ended by an error that nobody caught (restartAfterMs starts it again instead)',
  'not-simulated': 'a program used what is not simulated',
  nondeterministic: 'two runs of this seed differ',
  marks: 'a point was never reached',
  assertion: 'the simulation could not go on',
}

/** Of a long story: its end, and what came right before each fault. */
const END_LINES = 15
const LINES_BEFORE_FAULT = 4

export function describeFailure(failure: SimulationFailure): string {
  const { kind, seed, atMs, message, faults, faultsOfRun, story } = failure
  const lines = [`seed ${seed}: ${message}`, `  ${kind}: ${MEANING[kind]}, ${seconds(atMs)} from the start`]
  if (faults.length > 0) {
    const left = faultsOfRun - faults.length
    lines.push(`  faults it takes${left === 0 ? '' : ` (${left} others do not matter)`}:`)
    lines.push(...faults.map((fault) => `    ${faultText(fault)}, // ${describeFault(fault)}`))
  } else if (faultsOfRun > 0) lines.push(`  it fails without any of its ${faultsOfRun} faults, too`)
  if (story.length > 0) lines.push('  how it went:', ...excerptOf(story).map((line) => `    ${line}`))
  if (kind !== 'marks')
    lines.push(`  replay: SIMULATE_SEED=${seed} before the command that ran this, or the option seed: ${seed}`)
  return lines.join('\n')
}

/** As it can be pasted into a program. */
export function faultText(fault: Fault): string {
  const { atMs, type, ...rest } = fault
  const fields = Object.entries({ atMs, type, ...rest }).map(([name, value]) => `${name}: ${literal(value)}`)
  return `{ ${fields.join(', ')} }`
}

export function describeStory(story: readonly StoryLine[]): string[] {
  const width = Math.max(0, ...story.map(({ node }) => node?.length ?? 0))
  return story.map(({ atMs, node, text }) => `${seconds(atMs).padStart(10)}  ${(node ?? '').padEnd(width)}  ${text}`)
}

function excerptOf(story: readonly StoryLine[]): string[] {
  const lines = describeStory(story)
  const wanted = (at: number): boolean =>
    at >= lines.length - END_LINES ||
    story.slice(at, at + LINES_BEFORE_FAULT + 1).some(({ node }) => node === undefined)
  return lines.flatMap((line, at) => (wanted(at) ? [line] : at > 0 && wanted(at - 1) ? ['     …'] : []))
}

export function describeError(error: unknown): string {
  return error instanceof Error && error.name === 'Error' ? error.message : messageOf(error)
}

function literal(value: unknown): string {
  return JSON.stringify(value).replaceAll('"', "'").replaceAll(',', ', ')
}

function seconds(ms: number): string {
  return `${(ms / 1000).toFixed(3)} s`
}

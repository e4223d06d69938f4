/**
 * A recipe in the simulated world: a service that uses it on every node, what must hold whatever goes wrong, and the same
 * service written as one would at first, in which the same checks must find the fault.
 *
 * Always: what a scenario can find it has shown to find, by its naive variants. Checks that never failed prove nothing.
 */
import { simulate, type SimulateOptions, type SimulateReport } from 'quorate/testing'

/** What `simulate()` is told, but for the seeds and for what becomes of a failure. */
export type ScenarioOptions<Observed, Exposed> = Omit<
  SimulateOptions<Observed, Exposed>,
  'seed' | 'seeds' | 'shrink' | 'onFailure' | 'marks'
> & {
  /** Points that show that the recipe was really used: each must be reached in some seed. */
  readonly marks: readonly string[]
}

export interface NaiveOptions<Observed, Exposed> {
  /** What it does that looks right. */
  readonly description: string
  /** What differs from the scenario: mostly the app, sometimes the faults that it takes. */
  readonly options: Partial<ScenarioOptions<Observed, Exposed>>
  /** What the check says when it finds the fault. */
  readonly finds: RegExp
  /** With which seed it does; `npm run sim:recipes -- <scenario> --naive <variant>` looks for one. */
  readonly seed: number
}

export interface SeedRange {
  readonly from: number
  readonly count: number
  /** Whether a failure is looked into: which of the faults it takes. Default false. */
  readonly shrink?: boolean
}

export interface NaiveVariant {
  readonly description: string
  readonly finds: RegExp
  readonly seed: number
  readonly run: (seeds: SeedRange) => Promise<SimulateReport>
}

export interface Scenario {
  readonly name: string
  /** What is done, and what is checked. */
  readonly description: string
  readonly marks: readonly string[]
  /** Runs these seeds; the first that fails ends it and is in the report. */
  readonly run: (seeds: SeedRange) => Promise<SimulateReport>
  readonly naive: Readonly<Record<string, NaiveVariant>>
}

export function scenario<Observed = unknown, Exposed = unknown>(told: {
  readonly name: string
  readonly description: string
  readonly options: ScenarioOptions<Observed, Exposed>
  readonly naive: Readonly<Record<string, NaiveOptions<Observed, Exposed>>>
}): Scenario {
  const { name, description, options, naive } = told
  return {
    name,
    description,
    marks: options.marks,
    run: (seeds) => run(options, seeds),
    naive: Object.fromEntries(
      Object.entries(naive).map(([variant, { options: differing, ...rest }]) => [
        variant,
        { ...rest, run: (seeds: SeedRange) => run({ ...options, ...differing }, seeds) },
      ]),
    ),
  }
}

function run<Observed, Exposed>(
  options: ScenarioOptions<Observed, Exposed>,
  { from, count, shrink = false }: SeedRange,
): Promise<SimulateReport> {
  // Marks are counted by whoever runs it, over all slices: in a few seeds not every one can be reached.
  return simulate({ ...options, marks: [], seeds: { from, count }, shrink, onFailure: 'return' })
}

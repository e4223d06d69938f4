/** What a simulated application is given, and what a test is shown of it. */
import type { Clock, Timers } from '../../base/clock.js'
import type { Random } from '../../base/random.js'
import type { OpenOptions } from '../../store/options.js'

/** The options of `open()` that the simulated world decides. */
export type SimulatedStoreOptions = Required<
  Pick<OpenOptions, 'name' | 'cluster' | 'disk' | 'transport' | 'environment'>
> &
  Pick<OpenOptions, 'observe'>

/**
 * A program to simulate. It is called on every node, and again after each crash, in a process of its own: what it left in
 * variables of the function is gone, what its store acknowledged is not.
 *
 * It ends its process by throwing or rejecting, as an uncaught error does in Node. By returning it does not: its store
 * serves on. What it returns, if anything, is disposed when the node is asked to stop.
 */
export type App<Observed = unknown, Exposed = unknown> = (
  env: NodeEnvironment<Observed, Exposed>,
) => Promise<AsyncDisposable | void> | AsyncDisposable | void

/** Everything that an application has of the world. What it takes from elsewhere (Date, Math.random) is not simulated. */
export interface NodeEnvironment<Observed = unknown, Exposed = unknown> {
  /** The name of this node. */
  readonly node: string
  /** The names of all. */
  readonly nodes: readonly string[]
  /** 1 when the node starts for the first time, 2 after its first crash, and so on. */
  readonly life: number
  /** For `open()`: `await open({ ...env.store })`. */
  readonly store: SimulatedStoreOptions
  readonly clock: Clock
  readonly timers: Timers
  /** Seeded; the same draws in every run of a seed. */
  readonly random: Random
  /** Aborts when the node is asked to stop, and not when it crashes. */
  readonly signal: AbortSignal
  /** Resolves after `ms` by the clock of this node; rejects with the reason of `signal` when that aborts before. */
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
  /** A whole number, 0 <= n < limit, drawn from `random`. Throws RangeError for a limit below 1 or above 2^32. */
  readonly below: (limit: number) => number
  /** A line in the story of the run, which a failure prints. */
  readonly log: (text: string) => void
  /** This point was reached: `marks` in the options demands that it is, in one seed at least. */
  readonly mark: (name: string) => void
  /** Tells the outside world something, which no crash takes back: checks see it in `world.observations`. */
  readonly report: (value: Observed) => void
  /** Shows checks something of this process while it lives: `world.node('a').exposed`. */
  readonly expose: (value: Exposed) => void
}

/** What a node reported, and when. */
export interface Observation<Observed> {
  readonly atMs: number
  readonly node: string
  readonly life: number
  readonly value: Observed
}

/** A node, as checks see it. */
export interface SimulatedNode<Exposed> {
  readonly name: string
  /** False between a crash and the next start. */
  readonly running: boolean
  /** 0 before the first start. */
  readonly life: number
  /** What the process that runs has exposed; undefined when it has not, or none runs. */
  readonly exposed: Exposed | undefined
}

/** The world, as checks see it: they look and never touch. */
export interface SimulatedWorld<Observed = unknown, Exposed = unknown> {
  readonly seed: number
  /** Virtual milliseconds since the start. */
  readonly nowMs: number
  /** Whether the time of the faults is over. */
  readonly healed: boolean
  readonly nodes: readonly SimulatedNode<Exposed>[]
  /** Throws RangeError for a name that is not a node. */
  readonly node: (name: string) => SimulatedNode<Exposed>
  /** All that was reported, on any node, in order. */
  readonly observations: readonly Observation<Observed>[]
  /** What was marked so far. */
  readonly marks: ReadonlySet<string>
  /** For `atEnd`, which may wait: virtual time. */
  readonly sleep: (ms: number) => Promise<void>
}

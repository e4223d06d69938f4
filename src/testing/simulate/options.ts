/** What `simulate()` is told, complete and checked before anything runs. */
import { checkFields, kind, type Fields } from '../../api/check-fields.js'
import { checkFaults, checkFaultTypes } from '../faults/check-faults.js'
import type { Fault, FaultType } from '../faults/fault.js'
import { checkNetworkFaults, type NetworkFaults } from '../sim/network-faults.js'
import type { App, SimulatedWorld } from './app.js'

/** Faults drawn from the seed: one of these kinds every so often, at random places, for a random time. */
export interface DrawnFaults {
  readonly kinds: readonly FaultType[] | 'all'
  /** Milliseconds between two faults, on average. */
  readonly everyMs: number
}

/** Faults of your own drawing, from the seed; called once for each run. */
export type FaultDrawer = (run: {
  readonly seed: number
  readonly nodes: readonly string[]
  readonly forMs: number
}) => readonly Fault[]

export interface SimulateOptions<Observed = unknown, Exposed = unknown> {
  /** Names, or how many: 3 is a, b and c. Default 3. */
  readonly nodes?: number | readonly string[]
  /** Started on each node, and again after each crash. */
  readonly app: App<Observed, Exposed>
  /** One seed to run; excludes `seeds`. SIMULATE_SEED in the environment goes before both. */
  readonly seed?: number
  /** How many seeds to run, from 1 or from `from`; the first that fails ends it. Default 20. */
  readonly seeds?: number | { readonly from: number; readonly count: number }
  /** What goes wrong: spelt out, drawn, or drawn by a function of yours. Default: nothing does. */
  readonly faults?: readonly Fault[] | DrawnFaults | FaultDrawer
  /** What the network does all the time. Default: delays of a few milliseconds. */
  readonly network?: Partial<NetworkFaults>
  /** Milliseconds of virtual time in which faults happen. Default 60 000. */
  readonly forMs?: number
  /** Milliseconds afterwards in which nothing goes wrong and every node runs; ends early once `eventually` holds. Default 20 000. */
  readonly healMs?: number
  /**
   * A program that threw is started again after so many milliseconds, as a supervisor would do it, and the report counts
   * it. Default: it is not, and the run has failed.
   */
  readonly restartAfterMs?: number
  /** Called after every event: throws when something is wrong that must never be. */
  readonly always?: (world: SimulatedWorld<Observed, Exposed>) => void
  /** Must hold at some time after everything was healed: false, or throwing, is "not yet". Not async: it is asked again and again. */
  readonly eventually?: (world: SimulatedWorld<Observed, Exposed>) => boolean
  /** Called once, when `eventually` holds; may call the stores that nodes expose, and throws when something is wrong. */
  readonly atEnd?: (world: SimulatedWorld<Observed, Exposed>) => Promise<void> | void
  /** Points that one of the seeds must reach, or a simulation of many seeds fails: what is never reached is not tested. */
  readonly marks?: readonly string[]
  /** Makes Date.now, Math.random, setTimeout and their like throw where the application calls them. Default false. */
  readonly traps?: boolean
  /** Whether a seed that fails is run again and again for the faults that it takes. Default true. */
  readonly shrink?: boolean
  /** Whether a failure is thrown, as SimulationError, or only returned in the report. Default 'throw'. */
  readonly onFailure?: 'throw' | 'return'
}

const FIELDS: Fields<SimulateOptions> = {
  nodes: true,
  app: true,
  seed: true,
  seeds: true,
  faults: true,
  network: true,
  forMs: true,
  healMs: true,
  restartAfterMs: true,
  always: true,
  eventually: true,
  atEnd: true,
  marks: true,
  traps: true,
  shrink: true,
  onFailure: true,
}

/** The same, with nothing left open. */
export interface Settings<Observed, Exposed> {
  readonly nodes: readonly string[]
  readonly app: App<Observed, Exposed>
  readonly firstSeed: number
  readonly seedCount: number
  readonly faults: readonly Fault[] | DrawnFaults | FaultDrawer
  readonly network: Partial<NetworkFaults>
  readonly forMs: number
  readonly healMs: number
  readonly restartAfterMs: number | undefined
  readonly always: ((world: SimulatedWorld<Observed, Exposed>) => void) | undefined
  readonly eventually: ((world: SimulatedWorld<Observed, Exposed>) => boolean) | undefined
  readonly atEnd: ((world: SimulatedWorld<Observed, Exposed>) => Promise<void> | void) | undefined
  readonly marks: readonly string[]
  readonly traps: boolean
  readonly shrink: boolean
  readonly throws: boolean
}

const SEEDS = 20
const FOR_MS = 60_000
const HEAL_MS = 20_000
/** More nodes than a cluster of one quorum sensibly has. */
const NODES_MAX = 15
const NETWORK: Partial<NetworkFaults> = { delayMsMin: 1, delayMsHalf: 2, noticeMs: 50 }

/** Throws TypeError or RangeError that names the option and what would be right. `replay`: the seed that was asked for from outside. */
export function settingsOf<Observed, Exposed>(
  options: SimulateOptions<Observed, Exposed>,
  replay: string | undefined,
): Settings<Observed, Exposed> {
  if (options === undefined) throw new TypeError('simulate() takes an object with at least an `app`')
  checkFields(options, FIELDS, 'simulate()')
  const { app, always, eventually, atEnd, restartAfterMs } = options
  const { marks = [], traps = false, shrink = true, onFailure = 'throw' } = options
  if (typeof app !== 'function') throw new TypeError(`app must be a function of one environment, not ${kind(app)}`)
  checkFunction('always', always)
  checkFunction('eventually', eventually)
  checkFunction('atEnd', atEnd)
  const nodes = nodesOf(options.nodes)
  const forMs = milliseconds('forMs', options.forMs ?? FOR_MS)
  const healMs = milliseconds('healMs', options.healMs ?? HEAL_MS)
  if (restartAfterMs !== undefined) milliseconds('restartAfterMs', restartAfterMs)
  if (!Array.isArray(marks) || marks.some((each) => typeof each !== 'string')) {
    throw new TypeError('marks must be an array of names')
  }
  if (typeof traps !== 'boolean') throw new TypeError(`traps must be true or false, not ${kind(traps)}`)
  if (typeof shrink !== 'boolean') throw new TypeError(`shrink must be true or false, not ${kind(shrink)}`)
  if (onFailure !== 'throw' && onFailure !== 'return') {
    throw new TypeError(`onFailure must be 'throw' or 'return', not ${String(onFailure)}`)
  }
  checkNetworkFaults(options.network)
  const [firstSeed, seedCount] = seedsOf(options, replay)
  return {
    nodes,
    app,
    firstSeed,
    seedCount,
    faults: faultsOf(options.faults, nodes, forMs),
    network: { ...NETWORK, ...options.network },
    forMs,
    healMs,
    restartAfterMs,
    always,
    eventually,
    atEnd,
    marks,
    traps,
    shrink,
    throws: onFailure === 'throw',
  }
}

function nodesOf(nodes: number | readonly string[] = 3): readonly string[] {
  if (typeof nodes === 'number') {
    if (!Number.isInteger(nodes) || nodes < 1 || nodes > NODES_MAX) {
      throw new RangeError(`nodes must be a whole number from 1 to ${NODES_MAX}, or names, not ${nodes}`)
    }
    return Array.from({ length: nodes }, (_, at) => String.fromCharCode('a'.charCodeAt(0) + at))
  }
  if (!Array.isArray(nodes)) throw new TypeError(`nodes must be a number or an array of names, not ${kind(nodes)}`)
  if (nodes.length < 1 || nodes.length > NODES_MAX) {
    throw new RangeError(`nodes must have from 1 to ${NODES_MAX} names, not ${nodes.length}`)
  }
  for (const [at, name] of (nodes as readonly unknown[]).entries()) {
    if (typeof name !== 'string' || !/^[\w.-]+$/.test(name)) {
      throw new TypeError(
        `nodes[${at}] must be a name of letters, digits, dots and dashes, not ${JSON.stringify(name)}`,
      )
    }
    if (nodes.indexOf(name) !== at) throw new TypeError(`nodes names ${name} twice`)
  }
  return nodes as readonly string[]
}

function seedsOf(
  { seed, seeds }: Pick<SimulateOptions, 'seed' | 'seeds'>,
  replay: string | undefined,
): readonly [number, number] {
  if (seed !== undefined && seeds !== undefined) throw new TypeError('seed and seeds exclude each other')
  if (typeof seeds === 'object') checkFields(seeds, { from: true, count: true }, 'seeds')
  const from = seed ?? (typeof seeds === 'object' ? seeds.from : 1)
  const count = seed !== undefined ? 1 : typeof seeds === 'object' ? seeds.count : (seeds ?? SEEDS)
  whole(seed === undefined ? 'seeds.from' : 'seed', from, 0)
  whole(typeof seeds === 'object' ? 'seeds.count' : 'seeds', count, 1)
  if (replay === undefined || replay === '') return [from, count]
  const asked = Number(replay)
  whole('SIMULATE_SEED', asked, 0)
  return [asked, 1]
}

function faultsOf(
  faults: SimulateOptions['faults'],
  nodes: readonly string[],
  forMs: number,
): Settings<0, 0>['faults'] {
  if (faults === undefined) return []
  if (typeof faults === 'function') return faults
  if (isList(faults)) {
    checkFaults(faults, nodes, forMs)
    return faults
  }
  checkFields(faults, { kinds: true, everyMs: true }, 'faults')
  if (faults.kinds !== 'all') checkFaultTypes(faults.kinds, nodes.length)
  if (milliseconds('faults.everyMs', faults.everyMs) < 1) {
    throw new RangeError(`faults.everyMs must be at least 1, not ${faults.everyMs}`)
  }
  return faults
}

function isList(faults: readonly Fault[] | DrawnFaults): faults is readonly Fault[] {
  return Array.isArray(faults)
}

function milliseconds(option: string, value: number): number {
  if (typeof value !== 'number') throw new TypeError(`${option} must be a number of milliseconds, not ${kind(value)}`)
  if (!Number.isFinite(value) || value < 0) throw new RangeError(`${option} must be finite and 0 or more, not ${value}`)
  return value
}

function whole(option: string, value: number, least: number): void {
  if (!Number.isSafeInteger(value) || value < least) {
    throw new RangeError(`${option} must be a whole number of at least ${least}, not ${String(value)}`)
  }
}

function checkFunction(option: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') {
    throw new TypeError(`${option} must be a function of the world, not ${kind(value)}`)
  }
}

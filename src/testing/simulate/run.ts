/**
 * One run of an application in one world, decided by its seed and its faults:
 *
 *     start ──► forMs: faults ──► everything heals, every node runs ──► healMs: `eventually` ──► atEnd
 *
 * `always` is asked after every event. Nothing is thrown: how it failed is in the outcome.
 */
import { kind } from '../../api/check-fields.js'
import { AssertionError } from '../../base/assert.js'
import type { Fault, FaultType } from '../faults/fault.js'
import { Injector } from '../faults/inject.js'
import { describeFault } from '../report/describe-fault.js'
import { NO_FAULTS } from '../sim/sim-network.js'
import type { Program } from '../sim/program.js'
import type { WorldEvent } from '../sim/world-event.js'
import { SimWorld } from '../sim/world.js'
import type { SimulatedWorld } from './app.js'
import { appProgram } from './app-program.js'
import { describeError, type SimulationFailureKind } from './failure.js'
import { Keeper } from './keeper.js'
import type { Settings } from './options.js'
import { Chronicle } from './chronicle.js'
import { Traps } from './traps.js'
import { WorldView } from './world-view.js'

export interface RunFailure {
  readonly kind: SimulationFailureKind
  readonly message: string
  readonly error: unknown
  readonly atMs: number
}

export interface RunOutcome<Observed> {
  readonly chronicle: Chronicle<Observed>
  readonly failure: RunFailure | undefined
  readonly traceHash: string
  readonly trace: readonly string[]
  readonly events: number
  readonly virtualMs: number
  /** How often each kind of fault took effect. */
  readonly effects: ReadonlyMap<FaultType, number>
}

/** What the check at the end may take. */
const AT_END_MS = 60_000

export interface RunExtras {
  /** Keeps the lines of the trace. Default false. */
  readonly keepTrace?: boolean
  /** Told of everything that happens, what members do included. It changes nothing of the run. */
  readonly observe?: (event: WorldEvent) => void
}

export function runOnce<Observed, Exposed>(
  settings: Settings<Observed, Exposed>,
  seed: number,
  faults: readonly Fault[],
  extras: RunExtras = {},
): Promise<RunOutcome<Observed>> {
  return new Run(settings, seed, faults, extras).run()
}

/** A check that is written so that nothing it says would count. It is no failure of a run: no seed makes it right. */
class UselessCheckError extends TypeError {}

/** Ends a run. */
class Failed extends Error {
  readonly kind: SimulationFailureKind

  constructor(kind: SimulationFailureKind, message: string, cause?: unknown) {
    super(message, { cause })
    this.kind = kind
  }
}

class Run<Observed, Exposed> {
  readonly #settings: Settings<Observed, Exposed>
  readonly #faults: readonly Fault[]
  readonly #world: SimWorld
  readonly #keeper: Keeper
  readonly #injector: Injector
  readonly #chronicle: Chronicle<Observed>
  readonly #view: WorldView<Observed, Exposed>
  readonly #traps: Traps | undefined
  /** What happened within an event, and ends the run after it. */
  #failed: Failed | undefined
  /** How many events there had been when the last life of a node ended. */
  readonly #endedAt = new Map<string, number>()
  /** What is done to end the world is not part of the story. */
  #over = false

  constructor(settings: Settings<Observed, Exposed>, seed: number, faults: readonly Fault[], extras: RunExtras) {
    const { keepTrace = false, observe } = extras
    this.#settings = settings
    this.#faults = faults
    const { app, nodes, restartAfterMs } = settings
    this.#traps = settings.traps
      ? new Traps((node, error) => {
          this.#failed ??= new Failed('not-simulated', `${node}: ${error.message}`, error)
        })
      : undefined
    const world: SimWorld = new SimWorld({
      seed,
      members: nodes,
      keepTrace,
      program: (ports) => program(ports),
      observe: (event) => {
        if (this.#over) return
        this.#tell(event)
        observe?.(event)
      },
      uncaught: (place, error) => this.#keeper.threw(place, error),
    })
    this.#world = world
    this.#chronicle = new Chronicle(
      () => world.nowMs,
      ({ node, event, detail }) => {
        world.trace.note(`${node}  ${event} ${detail}`)
        world.tell({ subject: 'process', node, event, detail })
      },
    )
    this.#view = new WorldView(world, this.#chronicle)
    this.#keeper = new Keeper({
      world,
      restartAfterMs,
      uncaught: (node, error, explained) => this.#uncaught(node, error, explained),
    })
    this.#injector = new Injector({
      world,
      supervisor: this.#keeper,
      observe: (event, fault) => world.tell({ subject: 'fault', event, fault }),
    })
    const program: Program = appProgram({
      app,
      nodes,
      chronicle: this.#chronicle,
      traps: this.#traps,
      lifeOf: (node) => world.place(node).lives,
      goesOn: (node, life) => this.#goesOn(node, life),
      expose: (node, life, value) => this.#view.expose(node, life, value),
      observe:
        observe === undefined && !faults.some(({ type }) => type === 'crash-at')
          ? undefined
          : (node, event) => {
              world.tell({ subject: 'member', node, event })
              if (event.type === 'decided') this.#injector.decided(node, event.event.type)
            },
    })
  }

  async run(): Promise<RunOutcome<Observed>> {
    let failure: RunFailure | undefined
    this.#traps?.set()
    try {
      await this.#phases()
    } catch (error) {
      if (error instanceof UselessCheckError) throw error
      const how = error instanceof Failed ? error.kind : 'assertion'
      const cause = error instanceof Failed ? error.cause : error
      failure = { kind: how, message: describeError(error), error: cause, atMs: this.#world.nowMs }
    } finally {
      this.#traps?.remove()
      this.#over = true
      for (const place of this.#world.places) this.#world.crash(place)
    }
    const { trace, scheduler, nowMs } = this.#world
    return {
      chronicle: this.#chronicle,
      failure,
      traceHash: trace.hash,
      trace: trace.lines,
      events: scheduler.events,
      virtualMs: nowMs,
      effects: this.#injector.effects,
    }
  }

  async #phases(): Promise<void> {
    const { forMs, healMs, eventually, network } = this.#settings
    this.#world.network.setFaults({ ...NO_FAULTS, ...network })
    this.#injector.start(this.#faults)
    this.#inAnEvent(() => this.#keeper.startAll())
    await this.#until(() => false, forMs)
    this.#chronicle.tell(undefined, 'everything heals')
    this.#view.healed = true
    this.#inAnEvent(() => {
      this.#injector.heal()
      this.#keeper.heal()
    })
    if (eventually === undefined) await this.#until(() => false, healMs)
    else await this.#eventually(eventually, healMs)
    await this.#atEnd()
  }

  async #eventually(eventually: (world: SimulatedWorld<Observed, Exposed>) => boolean, healMs: number): Promise<void> {
    let why: unknown
    const holds = (): boolean => {
      let answer: unknown
      try {
        why = undefined
        answer = eventually(this.#view)
      } catch (error) {
        why = error
        return false
      }
      refuseAsync('eventually', answer)
      if (typeof answer === 'boolean') return answer
      throw new UselessCheckError(`eventually must return true or false, not ${kind(answer)}`)
    }
    if (await this.#until(holds, healMs)) return
    const reason = why === undefined ? '`eventually` returned false' : describeError(why)
    throw new Failed('eventually', `${reason}, ${healMs} ms after everything was healed`, why)
  }

  async #atEnd(): Promise<void> {
    const { atEnd } = this.#settings
    if (atEnd === undefined) return
    let over = false
    let failed: Failed | undefined
    const call = async (): Promise<void> => atEnd(this.#view)
    call().then(
      () => (over = true),
      (error: unknown) => {
        over = true
        failed = new Failed('at-end', describeError(error), error)
      },
    )
    const ended = await this.#until(() => over, AT_END_MS)
    if (failed !== undefined) throw failed
    if (!ended) throw new Failed('at-end', `atEnd was not over after ${AT_END_MS} ms`)
  }

  /** What a process does must be done within an event, for what it throws to be told from what others throw. */
  #inAnEvent(action: () => void): void {
    this.#world.scheduler.timersOf().soon(action)
  }

  #until(until: () => boolean, limitMs: number): Promise<boolean> {
    return this.#world.run(until, limitMs, (place) => {
      if (place !== undefined) this.#keeper.look(place)
      if (this.#failed !== undefined) throw this.#failed
      this.#check()
    })
  }

  #check(): void {
    const { always } = this.#settings
    if (always === undefined) return
    let returned: unknown
    try {
      returned = always(this.#view)
    } catch (error) {
      throw new Failed('always', describeError(error), error)
    }
    refuseAsync('always', returned)
  }

  /** A process ended by an error of its program. */
  #uncaught(node: string, error: unknown, explained: boolean): void {
    this.#chronicle.threw(node, error)
    if (explained || (this.#settings.restartAfterMs !== undefined && !(error instanceof AssertionError))) return
    this.#failed ??= new Failed('uncaught', `${node}: ${describeError(error)}`, error)
  }

  /**
   * Within the event that ends a process, the rest of what was under way may still speak, and is not heard. In a later one
   * it can only have waited for something real.
   */
  #goesOn(node: string, life: number): boolean {
    const { lives, process } = this.#world.place(node)
    if (lives === life && process !== undefined) return true
    if (lives > life || this.#world.scheduler.events > (this.#endedAt.get(node) ?? 0)) {
      const message = `${node} goes on after its end: it waits for what is not simulated (a file, a socket, a real timer)`
      this.#failed ??= new Failed('not-simulated', message)
    }
    return false
  }

  /** What happens to the world is part of the story. */
  #tell(event: WorldEvent): void {
    if (event.subject === 'fault') {
      const { type } = event.fault
      if (event.event === 'begin') this.#chronicle.tell(undefined, `fault: ${describeFault(event.fault)}`)
      else if ('forMs' in event.fault) this.#chronicle.tell(undefined, `the ${type} is over`)
    } else if (event.subject === 'process') {
      if (event.event === 'crash' || event.event === 'stopped') {
        this.#endedAt.set(event.node, this.#world.scheduler.events)
      }
      this.#chronicle.process(event)
    }
  }
}

function refuseAsync(option: 'always' | 'eventually', returned: unknown): void {
  if (!(returned instanceof Promise)) return
  // What it comes to would else end the process that runs the simulation.
  returned.catch(() => undefined)
  throw new UselessCheckError(
    `${option} must not be async: it is asked after every event, and the world does not wait for it; atEnd may be`,
  )
}

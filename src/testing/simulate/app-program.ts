/**
 * An application as a program of a place: the user's function, called with an environment made of the ports of its process.
 *
 * Always: what a process left pending when it crashed never goes on. Everything it can wait for (timers, disk, network, its
 * store, which is made of these) belongs to the process, and the world drops that whole.
 *
 * Running unmodified code, in a realm of its own, would be another {@link Program} beside this one: its start makes a context
 * (`node:vm`) whose Date, timers, Math.random, process and sockets are made of the same ports, evaluates the bundle in it,
 * and lets go of the context when the process ends. `appProgram` is the one place that would choose between them.
 */
import { kind } from '../../api/check-fields.js'
import { below } from '../../base/random.js'
import type { MemberEvent } from '../../member/event.js'
import type { Program, ProgramPorts } from '../sim/program.js'
import type { App, NodeEnvironment } from './app.js'
import type { Chronicle } from './chronicle.js'
import type { Traps } from './traps.js'

/** More than one draw can tell apart. */
const BELOW_MAX = 2 ** 32

export interface AppProgramOptions<Observed, Exposed> {
  readonly app: App<Observed, Exposed>
  readonly nodes: readonly string[]
  readonly chronicle: Chronicle<Observed>
  readonly traps: Traps | undefined
  readonly lifeOf: (node: string) => number
  /** Whether this life still has a say. It does not after its end, where only what escaped the simulation goes on. */
  readonly goesOn: (node: string, life: number) => boolean
  /** Shows a value of this life to the checks. */
  readonly expose: (node: string, life: number, value: Exposed) => void
  /** Told what the member of a node does; undefined where nobody needs it, which is faster. */
  readonly observe: ((node: string, event: MemberEvent) => void) | undefined
}

export function appProgram<Observed, Exposed>(options: AppProgramOptions<Observed, Exposed>): Program {
  const { app, traps } = options
  return async (ports) => {
    const controller = new AbortController()
    const { signal } = controller
    const env = environmentOf(options, ports, signal)
    const call = async (): Promise<AsyncDisposable | void> => app(env)
    const returned = (traps === undefined ? call() : traps.within(ports.name, call)).catch((error: unknown) => {
      // To give up with the reason it was given is how a program ends that was asked to.
      if (!signal.aborted || error !== signal.reason) throw error
    })
    ports.onStop(async () => {
      controller.abort(new Error('the node is asked to stop'))
      const disposable = await returned
      if (typeof disposable === 'object') await disposable[Symbol.asyncDispose]?.()
    })
    await returned
  }
}

function environmentOf<Observed, Exposed>(
  options: AppProgramOptions<Observed, Exposed>,
  ports: ProgramPorts,
  stopped: AbortSignal,
): NodeEnvironment<Observed, Exposed> {
  const { nodes, chronicle, traps } = options
  const { name, cluster, disk, transport } = ports
  const life = options.lifeOf(name)
  const environment = traps === undefined ? ports.environment : traps.environment(name, ports.environment)
  const { clock, timers, random } = environment
  const goesOn = (): boolean => options.goesOn(name, life)
  const observe = options.observe === undefined ? {} : { observe: options.observe.bind(undefined, name) }
  return {
    node: name,
    nodes,
    life,
    store: { name, cluster, disk, transport, environment, ...observe },
    clock,
    timers,
    random,
    signal: stopped,
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (!(ms >= 0)) throw new RangeError(`sleep() takes a number of milliseconds of 0 or more, not ${ms}`)
        signal?.throwIfAborted()
        if (!goesOn()) return
        const wake = (): void => {
          cancel()
          reject(signal?.reason as Error)
        }
        const cancel = timers.after(ms, () => {
          signal?.removeEventListener('abort', wake)
          resolve()
        })
        signal?.addEventListener('abort', wake, { once: true })
      }),
    below: (limit) => {
      if (!Number.isInteger(limit) || limit < 1 || limit > BELOW_MAX) {
        throw new RangeError(`below() takes a whole number from 1 to 2^32, not ${String(limit)}`)
      }
      return below(random, limit)
    },
    log: (text) => {
      if (goesOn()) chronicle.log(name, text)
    },
    mark: (mark) => {
      if (typeof mark !== 'string') throw new TypeError(`mark() takes a name, not ${kind(mark)}`)
      if (goesOn()) chronicle.mark(name, mark)
    },
    report: (value) => {
      if (goesOn()) chronicle.observe(name, life, value)
    },
    expose: (value) => {
      if (goesOn()) options.expose(name, life, value)
    },
  }
}

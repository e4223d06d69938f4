/** Timing and printing, alike in every part of the benchmark. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

export interface Target {
  readonly value: number
  /** Whether the figure should be at least or at most that. */
  readonly bound: 'least' | 'most'
}

export function atLeast(value: number): Target {
  return { value, bound: 'least' }
}

export function atMost(value: number): Target {
  return { value, bound: 'most' }
}

export function print(name: string, figure: number, unit: string, target?: Target): void {
  const shown = `${name.padEnd(66)} ${round(figure).padStart(11)} ${unit.padEnd(6)}`
  console.log(target === undefined ? shown : `${shown} ${describe(figure, target)}`)
}

/** A ratio above 1 is better than the target, whichever way that points. */
function describe(figure: number, { value, bound }: Target): string {
  const ratio = bound === 'least' ? figure / value : value / figure
  return `(target: ${bound === 'least' ? '≥' : '≤'} ${round(value)}; ${ratio.toFixed(2)} of it)`
}

function round(figure: number): string {
  return figure >= 100 ? Math.round(figure).toLocaleString('en') : figure.toPrecision(3)
}

/** Seconds of the clock, and of all threads of this process on a processor. */
export class Stopwatch {
  #seconds = 0
  #cpuSeconds = 0

  get seconds(): number {
    return this.#seconds
  }

  get cpuSeconds(): number {
    return this.#cpuSeconds
  }

  /** Adds the time that `work` takes. */
  run(work: () => void): void {
    const cpu = process.cpuUsage()
    const startMs = performance.now()
    work()
    this.#add(startMs, cpu)
  }

  async wait(work: () => Promise<unknown>): Promise<void> {
    const cpu = process.cpuUsage()
    const startMs = performance.now()
    await work()
    this.#add(startMs, cpu)
  }

  #add(startMs: number, cpu: NodeJS.CpuUsage): void {
    this.#seconds += (performance.now() - startMs) / 1000
    const { user, system } = process.cpuUsage(cpu)
    this.#cpuSeconds += (user + system) / 1_000_000
  }
}

/** The best of several rounds, since what else runs on the machine can only make a round slower. */
export function bestOf(rounds: number, round: (at: number) => number): number {
  return Math.max(...Array.from({ length: rounds }, (_, at) => round(at)))
}

/** Bytes of the heap of JavaScript, and outside of it, that are in use after a collection. */
export function collected(): NodeJS.MemoryUsage {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  for (let at = 0; at < 3; at++) collect()
  return process.memoryUsage()
}

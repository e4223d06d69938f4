/**
 * How long a compaction of a million revisions holds up the loop: in the machine alone, step by step as the member's loop
 * takes them, and in a whole member. What the garbage collector takes is shown beside it.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PerformanceObserver } from 'node:perf_hooks'
import { setImmediate, setTimeout } from 'node:timers/promises'
import { open } from 'quorate'
import { atMost, print } from './report.js'
import { Applier, FORGETFUL, keyAt, VALUE } from './workload.js'

const REVISIONS = 1_000_000
const SHAPES = [1, 1000, 500_000]
/** As the member's loop does when it is idle. */
const SWEEP_KEYS_PER_TURN = 512
const IN_FLIGHT = 1000

/** A stretch of time, in milliseconds since the process began. */
interface Stretch {
  readonly startMs: number
  readonly endMs: number
}

/** One that began just now, and ends at the call of what this gives, with what all threads had of the processors meanwhile. */
function begin(): () => Step {
  const cpu = process.cpuUsage()
  const startMs = performance.now()
  return () => {
    const endMs = performance.now()
    const { user, system } = process.cpuUsage(cpu)
    return { startMs, endMs, cpuMs: (user + system) / 1000 }
  }
}

interface Step extends Stretch {
  readonly cpuMs: number
}

class Collections {
  readonly #stretches: Stretch[] = []
  readonly #observer = new PerformanceObserver((list) => this.#take(list.getEntries()))

  constructor() {
    this.#observer.observe({ entryTypes: ['gc'] })
  }

  async end(): Promise<void> {
    await setTimeout(50)
    this.#take(this.#observer.takeRecords())
    this.#observer.disconnect()
  }

  /** Milliseconds of a stretch that the collector had the thread for. */
  within({ startMs, endMs }: Stretch): number {
    let sum = 0
    for (const each of this.#stretches) {
      sum += Math.max(0, Math.min(each.endMs, endMs) - Math.max(each.startMs, startMs))
    }
    return sum
  }

  get longestMs(): number {
    return Math.max(0, ...this.#stretches.map(({ startMs, endMs }) => endMs - startMs))
  }

  #take(entries: readonly { startTime: number; duration: number }[]): void {
    for (const { startTime, duration } of entries) {
      this.#stretches.push({ startMs: startTime, endMs: startTime + duration })
    }
  }
}

export async function compaction(): Promise<void> {
  for (const keys of SHAPES) await inMachine(keys)
  await inMember(100_000)
}

async function inMachine(keys: number): Promise<void> {
  const applier = new Applier(FORGETFUL, 0)
  for (let at = 0; at < REVISIONS; at += 5000) applier.apply(applier.puts(at, 5000, (at) => at % keys))
  await setImmediate()
  const collections = new Collections()
  const steps: Step[] = []
  const timed = (work: () => void): void => {
    const end = begin()
    work()
    steps.push(end())
  }
  timed(() => applier.compactAll())
  let left = true
  while (left) {
    timed(() => {
      left = applier.machine.sweep(SWEEP_KEYS_PER_TURN)
    })
    await setImmediate()
  }
  await collections.end()
  tell(`machine, ${keys.toLocaleString('en')} keys`, steps, collections)
}

async function inMember(keys: number): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'quorate-bench-'))
  const store = await open({ dataDir })
  await store.ready()
  let next = 0
  const worker = async (): Promise<void> => {
    while (next < REVISIONS) await store.put(keyAt(next++ % keys), VALUE)
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, worker))
  const collections = new Collections()
  const turns: Step[] = []
  let done = false
  const measure = async (): Promise<void> => {
    while (!done) {
      const end = begin()
      await setImmediate()
      turns.push(end())
    }
  }
  const measuring = measure()
  await store.compact(store.status().revision)
  for (let writes = -1; store.status().stateWrites !== writes; await setTimeout(1000))
    writes = store.status().stateWrites
  done = true
  await measuring
  await collections.end()
  tell(`member on disk, ${keys.toLocaleString('en')} keys`, turns, collections)
  await store.close()
  rmSync(dataDir, { recursive: true, force: true })
}

function tell(name: string, steps: readonly Step[], collections: Collections): void {
  const longest = (of: (step: Step) => number): number => steps.reduce((most, step) => Math.max(most, of(step)), 0)
  const whole = (step: Step): number => step.endMs - step.startMs
  // On a busy machine a step takes longer than it works: it worked for no longer than all threads together.
  const working = (step: Step): number => Math.min(whole(step) - collections.within(step), step.cpuMs)
  print(`${name}: longest block, without collections`, longest(working), 'ms', atMost(10))
  print(`${name}: longest block by the clock`, longest(whole), 'ms')
  print(`${name}: longest collection`, collections.longestMs, 'ms')
  print(
    `${name}: all of it, in ${steps.length} steps`,
    steps.reduce((sum, step) => sum + whole(step), 0),
    'ms',
  )
}

/**
 * Makes a failing plan small: fewer faults, fewer operations, then a simpler world, as long as it still fails alike.
 *
 * Always: the plan that is returned was run and failed as the first one did. That works because every draw in the world is
 * keyed by what it is about: what is left out takes nothing else with it.
 */
import { membersNeededFor } from '../faults/draw.js'
import type { Fault } from '../faults/fault.js'
import { ddmin } from './ddmin.js'
import type { Operation } from './operation.js'
import type { Plan } from './plan.js'

export interface ShrinkOptions {
  /** Runs a plan: when it failed, in milliseconds of the run; undefined when it did not, or not alike. */
  readonly failsAtMs: (plan: Plan) => Promise<number | undefined>
  /** No further run is begun once this says so. Default: never. */
  readonly isOver?: () => boolean
  readonly progress?: (plan: Plan, runs: number) => void
}

/** Of a failing plan, a smaller one that fails alike; the plan itself if it does not fail. */
export async function shrinkPlan(plan: Plan, options: ShrinkOptions): Promise<Plan> {
  const shrinker = new Shrinker(plan, options)
  if (await shrinker.cutEnd()) {
    await shrinker.searchTime()
    await shrinker.shrink()
  }
  return shrinker.plan
}

/** How exactly the time is searched in which it must happen. */
const SEARCH_STEPS = 7

/** What is still wanted of a run after its failure: that the failure comes within the safety phase. */
const AFTER_FAILURE_MS = 100

class Shrinker {
  readonly #options: ShrinkOptions
  #plan: Plan
  #runs = 0

  constructor(plan: Plan, options: ShrinkOptions) {
    this.#plan = plan
    this.#options = options
  }

  get plan(): Plan {
    return this.#plan
  }

  async shrink(): Promise<void> {
    for (;;) {
      const before = sizeOf(this.#plan)
      await this.#leaveOutKinds()
      await this.#leaveOutOperations()
      await this.#leaveOutFaults()
      await this.#simplify()
      await this.#comeEarlier()
      if (sizeOf(this.#plan) >= before || this.#isOver()) return
    }
  }

  /** What would come after the failure had no part in it. Whether it fails at all. */
  async cutEnd(): Promise<boolean> {
    const failedAtMs = await this.#run(this.#plan)
    if (failedAtMs === undefined) return false
    await this.#try(cutAt(this.#plan, failedAtMs))
    await this.#try(cutAt(this.#plan, failedAtMs + AFTER_FAILURE_MS))
    return true
  }

  /**
   * What is judged at the end of a run fails there, whenever it happened: halves the time after which nothing need happen,
   * then the time before which nothing need. Every later run is shorter for it.
   */
  async searchTime(): Promise<void> {
    const through = this.#plan.safetyMs
    await bisect(through, async (least) => this.#try(cutAt(this.#plan, least)))
    await bisect(this.#plan.safetyMs, async (left) => this.#try(cutBefore(this.#plan, this.#plan.safetyMs - left)))
  }

  /** Whole kinds at once: most of them have nothing to do with it. */
  async #leaveOutKinds(): Promise<void> {
    await this.#try({ ...this.#plan, faults: [] })
    await this.#try({ ...this.#plan, operations: [] })
    await this.#try({ ...this.#plan, buggify: [] })
    await this.#try({ ...this.#plan, network: {} })
    for (const type of kindsOf(this.#plan.faults)) {
      await this.#try({ ...this.#plan, faults: this.#plan.faults.filter((each) => each.type !== type) })
    }
    for (const type of kindsOf(this.#plan.operations)) {
      await this.#try({ ...this.#plan, operations: this.#plan.operations.filter((each) => each.type !== type) })
    }
    for (const client of new Set(this.#plan.operations.map((each) => each.client))) {
      await this.#try({ ...this.#plan, operations: this.#plan.operations.filter((each) => each.client !== client) })
    }
  }

  async #leaveOutOperations(): Promise<void> {
    await ddmin(this.#plan.operations, (operations) => this.#holds({ ...this.#plan, operations }))
  }

  async #leaveOutFaults(): Promise<void> {
    await ddmin(this.#plan.faults, (faults) => this.#holds({ ...this.#plan, faults }))
  }

  async #simplify(): Promise<void> {
    for (const rate of Object.keys(this.#plan.network) as (keyof Plan['network'])[]) {
      await this.#try({ ...this.#plan, network: without(this.#plan.network, rate) })
    }
    await ddmin(this.#plan.buggify, (buggify) => this.#holds({ ...this.#plan, buggify }))
    for (const member of [...this.#plan.members, ...(this.#plan.spares ?? [])].reverse()) {
      const smaller = withoutMember(this.#plan, member)
      if (smaller !== undefined) await this.#try(smaller)
    }
    for (const [at, fault] of this.#plan.faults.entries()) {
      for (const simpler of simplerFaults(fault)) {
        await this.#try({ ...this.#plan, faults: this.#plan.faults.with(at, simpler) })
      }
    }
    for (const [at, operation] of this.#plan.operations.entries()) {
      const { abortAfterMs, ...simpler } = operation
      if (abortAfterMs === undefined || this.#isOver()) continue
      await this.#try({ ...this.#plan, operations: this.#plan.operations.with(at, simpler) })
    }
  }

  /** Time in which nothing is begun is shortened, and what is over early needs no long run. */
  async #comeEarlier(): Promise<void> {
    const times = [...this.#plan.faults, ...this.#plan.operations].map(({ atMs }) => atMs).sort((a, b) => a - b)
    for (const [at, time] of times.entries()) {
      const gapMs = time - (times[at - 1] ?? 0)
      for (const part of [0, 0.5]) {
        const byMs = Math.floor(gapMs * (1 - part))
        if (gapMs < 50 || byMs < 1) continue
        if ((await this.#try(earlier(this.#plan, time, byMs))) === true) {
          for (let later = at; later < times.length; later++) times[later] = (times[later] as number) - byMs
          break
        }
      }
    }
    const last = times.at(-1) ?? 0
    for (const safetyMs of [last + 1, last + 1_000, Math.ceil((last + this.#plan.safetyMs) / 2)]) {
      if (safetyMs < this.#plan.safetyMs && (await this.#try({ ...this.#plan, safetyMs })) === true) return
    }
  }

  /** Takes the plan over if it fails alike and is smaller; undefined when there is no time to find out. */
  async #try(plan: Plan): Promise<boolean | undefined> {
    if (sizeOf(plan) >= sizeOf(this.#plan)) return false
    return this.#holds(plan)
  }

  async #holds(plan: Plan): Promise<boolean | undefined> {
    if (this.#isOver()) return undefined
    if ((await this.#run(plan)) === undefined) return false
    this.#plan = plan
    this.#options.progress?.(plan, this.#runs)
    return true
  }

  #run(plan: Plan): Promise<number | undefined> {
    this.#runs++
    return this.#options.failsAtMs(plan)
  }

  #isOver(): boolean {
    return this.#options.isOver?.() ?? false
  }
}

/** Makes `size` small, by halves, as long as it holds; what does not hold is not asked again. */
async function bisect(size: number, holds: (size: number) => Promise<boolean | undefined>): Promise<void> {
  let tooSmall = 0
  let enough = size
  for (let step = 0; step < SEARCH_STEPS; step++) {
    const middle = Math.floor((tooSmall + enough) / 2)
    const held = middle > tooSmall && (await holds(middle))
    if (held === undefined) return
    if (held) enough = middle
    else tooSmall = middle
  }
}

/** How much there is to a plan: what a reader has to look at. Each step makes it smaller. */
function sizeOf({ faults, operations, members, spares = [], network, buggify, safetyMs }: Plan): number {
  const durations = faults.reduce((sum, fault) => sum + durationOf(fault), 0)
  const aborts = operations.filter(({ abortAfterMs }) => abortAfterMs !== undefined).length
  const parts =
    faults.length +
    operations.length +
    aborts +
    members.length +
    spares.length +
    Object.keys(network).length +
    buggify.length
  return parts * 1_000_000_000 + safetyMs + durations
}

function cutAt(plan: Plan, atMs: number): Plan {
  const until = ({ atMs: itsMs }: { readonly atMs: number }): boolean => itsMs <= atMs
  return {
    ...plan,
    faults: plan.faults.filter(until),
    operations: plan.operations.filter(until),
    safetyMs: Math.min(plan.safetyMs, Math.ceil(atMs)),
  }
}

function cutBefore(plan: Plan, fromMs: number): Plan {
  const from = ({ atMs }: { readonly atMs: number }): boolean => atMs >= fromMs
  return { ...plan, faults: plan.faults.filter(from), operations: plan.operations.filter(from) }
}

/** What begins at `fromMs` or after it begins so much earlier. */
function earlier(plan: Plan, fromMs: number, byMs: number): Plan {
  const moved = <Item extends Fault | Operation>(item: Item): Item =>
    item.atMs < fromMs ? item : { ...item, atMs: item.atMs - byMs }
  return {
    ...plan,
    faults: plan.faults.map(moved),
    operations: plan.operations.map(moved),
    safetyMs: plan.safetyMs - byMs,
  }
}

/**
 * The plan without a member that nothing in it names. As many stay as its faults need: two of which one lost its promises
 * would fail for that alone.
 */
function withoutMember(plan: Plan, member: string): Plan | undefined {
  const steps = plan.operations.flatMap((each) => (each.type === 'change-members' ? [each.step] : []))
  const named = JSON.stringify([plan.faults, plan.operations.map((each) => each.member), steps])
  if (named.includes(JSON.stringify(member))) return undefined
  const { spares = [] } = plan
  if (spares.includes(member)) return { ...plan, spares: spares.filter((each) => each !== member) }
  const needed = Math.max(1, ...plan.faults.map(({ type }) => membersNeededFor(type)))
  if (plan.members.length <= needed) return undefined
  return { ...plan, members: plan.members.filter((each) => each !== member) }
}

const DURATIONS = ['forMs', 'downMs', 'everyMs', 'pauseMs', 'stepMs'] as const

function durationOf(fault: Fault): number {
  return DURATIONS.reduce((sum, name) => sum + ((fault as { [Name in typeof name]?: number })[name] ?? 0), 0)
}

/** The same fault for a shorter time. */
function simplerFaults(fault: Fault): Fault[] {
  return DURATIONS.flatMap((name) => {
    const duration = (fault as { [Name in typeof name]?: number })[name]
    if (duration === undefined || duration < 20) return []
    return [10, Math.ceil(duration / 10), Math.ceil(duration / 2)]
      .filter((shorter) => shorter < duration)
      .map((shorter) => ({ ...fault, [name]: shorter }))
  })
}

function kindsOf<Type extends string>(items: readonly { readonly type: Type }[]): readonly Type[] {
  return [...new Set(items.map(({ type }) => type))]
}

function without<Value extends object>(value: Value, name: keyof Value): Value {
  return Object.fromEntries(Object.entries(value).filter(([each]) => each !== name)) as Value
}

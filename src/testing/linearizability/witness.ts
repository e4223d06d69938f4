/**
 * Judges a history in the order that its answers tell: each change at its position, each read at the one it says, every
 * answer looked at once.
 *
 * What is left to be found is where calls without a place belong: those of unknown outcome, which fill the gaps between
 * the changes that somebody was told of, and those whose answers say nothing of order. One is tried after the other, and
 * taken back where it leads to a contradiction; what the model's hints or an oracle exclude is not tried.
 *
 * Always: `illegal` means that no order at all explains the history, else the verdict is `unknown`.
 */
import { assertNever } from '../../base/assert.js'
import type { Budget } from './budget.js'
import type { Call } from './call.js'
import { Candidates, NO_CANDIDATES } from './candidates.js'
import { UNKNOWN, type Model, type Oracle, type Witness } from './model.js'
import { linearizationOf } from './linearization.js'
import { Interner } from './interner.js'
import { contradictionOf, placementOf, type Placement } from './placement.js'
import { CallSet, Seen } from './seen.js'
import type { Step } from './timeline.js'
import type { Verdict } from './verdict.js'
import { explainContradiction, explainStuck, type Stuck } from './witness-explain.js'

export function checkByWitness<State, Input, Output>(
  steps: readonly Step<Input, Output>[],
  model: Model<State, Input, Output>,
  budget: Budget,
  oracle: Oracle<State, Input> | undefined,
  calls: readonly Call<Input, Output>[],
): Verdict {
  const { witness } = model
  if (witness === undefined) throw new TypeError(`the model '${model.name}' has no witness: use the engine 'search'`)
  const placement = placementOf(steps, witness)
  const contradiction = contradictionOf(steps, placement)
  const known = knowsAll(oracle, witness.position(model.init()))
  // What an oracle knows of every change says more than answers do, and costs less.
  const hints = placement.maybes.length > 0 && !known ? witness.hints?.(calls) : undefined
  const walk = new Walk(steps, model, witness, placement, oracle, hints)
  const result = walk.run(budget, contradiction !== undefined)
  const common = { engine: 'witness', steps: walk.stepsDone } as const
  const linearization = (order: readonly number[], states: readonly string[]) =>
    linearizationOf(undefined, steps, order, model, states)
  if (contradiction !== undefined) {
    const { call } = steps[contradiction.step] as Step<Input, Output>
    const explanation = explainContradiction(steps, model, placement, contradiction)
    const longest = [linearization(walk.stuck?.order ?? walk.order, [])] as const
    return { ...common, verdict: 'illegal', call, explanation, linearizations: longest }
  }
  if (result === 'ok') return { ...common, verdict: 'ok', linearizations: [linearization(walk.order, [])] }
  const told = explainStuck(steps, model, walk.stuck, oracle)
  if (result === 'illegal') {
    const { call, explanation, states } = told
    const longest = [linearization(walk.stuck?.order ?? [], states)] as const
    return { ...common, verdict: 'illegal', call, explanation, linearizations: longest }
  }
  const [used, option] =
    walk.stepsDone >= budget.stepsMax
      ? [`the budget of ${budget.stepsMax} steps is used up`, 'stepsMax']
      : [`the walk remembers ${walk.bytes} bytes, more than ${budget.memoryBytesMax},`, 'memoryBytesMax']
  const explanation =
    `${used} with ${walk.longest} of ${steps.length} calls placed at most: ` +
    `raise ${option}, or give an oracle. The farthest place where it went wrong: ${told.explanation}`
  return { ...common, verdict: 'unknown', explanation, linearizations: [] }
}

function knowsAll<State, Input>(oracle: Oracle<State, Input> | undefined, first: number): boolean {
  return oracle !== undefined && (oracle.from ?? 0) <= first + 1
}

type Hints<Input> = (input: Input, position: number) => boolean

/** Where to go back to: what was placed, and what has not been tried there yet. */
interface Fork<State> {
  readonly placed: number
  readonly state: State
  readonly change: number
  readonly read: number
  readonly float: number
  readonly end: number
  readonly candidates: Candidates
}

class Walk<State, Input, Output> {
  stepsDone = 0
  readonly order: number[] = []
  stuck: Stuck<State> | undefined
  readonly #steps: readonly Step<Input, Output>[]
  readonly #model: Model<State, Input, Output>
  readonly #witness: Witness<State, Input, Output>
  readonly #placement: Placement
  readonly #oracle: Oracle<State, Input> | undefined
  readonly #hints: Hints<Input> | undefined
  readonly #placed: Uint8Array
  readonly #forks: Fork<State>[] = []
  /** Calls without a place, numbered; which of them are placed, beside the state, decides what can follow. */
  readonly #numbers: Int32Array
  readonly #wandering: CallSet
  readonly #states: Interner<State>
  readonly #seen = new Seen()
  /** Whether the oracle knows of every change. */
  readonly #allKnown: boolean
  /** Of calls without a place that must have made the change to one position: which. */
  readonly #due: ReadonlyMap<number, number>
  /** Of the answers without a place those that were right at some position they may be at. */
  readonly #rightOnce = new Set<number>()
  /** The order is not replayed before so many steps: at most half of all are spent on that. */
  #replayAfter = 0
  /** Stuck on what no other choice can mend. */
  #hopeless = false
  #state: State
  #position: number
  /** How far changes, reads, floats and the order of answers are placed without a gap. */
  #change = 0
  #read = 0
  #float = 0
  #end = 0

  constructor(
    steps: readonly Step<Input, Output>[],
    model: Model<State, Input, Output>,
    witness: Witness<State, Input, Output>,
    placement: Placement,
    oracle: Oracle<State, Input> | undefined,
    hints: Hints<Input> | undefined,
  ) {
    this.#steps = steps
    this.#model = model
    this.#witness = witness
    this.#placement = placement
    this.#oracle = oracle
    this.#hints = hints
    this.#placed = new Uint8Array(steps.length)
    this.#numbers = numbersOf(placement, steps.length)
    this.#wandering = new CallSet(placement.floats.length + placement.maybes.length)
    this.#states = new Interner(model)
    this.#state = model.init()
    this.#position = witness.position(this.#state)
    this.#allKnown = knowsAll(oracle, this.#position)
    this.#due = dueOf(steps, oracle)
  }

  /** About what it remembers of where it has been, states not counted. */
  get bytes(): number {
    return this.#seen.bytes
  }

  /** The most calls that could be placed. */
  get longest(): number {
    return Math.max(this.order.length, this.stuck?.order.length ?? 0)
  }

  /** With `once` it does not go back where it is stuck. */
  run({ stepsMax, memoryBytesMax }: Budget, once: boolean): 'ok' | 'illegal' | 'unfinished' {
    for (;;) {
      if (this.stepsDone >= stepsMax || this.bytes > memoryBytesMax) return 'unfinished'
      this.#placeReads()
      if (this.#done()) return 'ok'
      if (this.#go()) continue
      if (once || this.#hopeless || !this.#goBack()) return 'illegal'
    }
  }

  #done(): boolean {
    return this.#end === this.#placement.byEnd.length && this.#position >= (this.#oracle?.position ?? 0)
  }

  /** Reads change nothing, so that the first moment at which one is right is as good for it as any other. */
  #placeReads(): void {
    const { reads, positions } = this.#placement
    for (let progress = true; progress;) {
      progress = false
      for (; this.#read < reads.length; this.#read++) {
        const read = reads[this.#read] ?? 0
        if (positions[read] !== this.#position || !this.#open(read)) break
        if (this.#step(read) === undefined) break
        this.#place(read)
        progress = true
      }
      if (this.#placeFloats()) progress = true
    }
  }

  #placeFloats(): boolean {
    const { floats } = this.#placement
    let progress = false
    while (this.#float < floats.length && this.#placed[floats[this.#float] ?? 0] === 1) this.#float++
    for (let at = this.#float; at < floats.length; at++) {
      const float = floats[at] ?? 0
      if (!this.#open(float)) break
      if (this.#placed[float] === 1 || this.#isQuiet(float)) continue
      const after = this.#step(float)
      if (after === undefined || !this.#same(after)) continue
      this.#place(float)
      progress = true
    }
    return progress
  }

  /** Makes one change: the one that an answer puts here, or else one that fits. */
  #go(): boolean {
    const { changes, reads, positions } = this.#placement
    const read = reads[this.#read]
    const change = changes[this.#change]
    const quiet = this.#quietCandidates()
    if (read !== undefined && (positions[read] ?? 0) <= this.#position) {
      const why = positions[read] === this.#position && this.#open(read) ? 'answer' : 'order'
      return this.#choose([quiet], why, read)
    }
    if (change !== undefined && (positions[change] ?? 0) <= this.#position + 1) {
      const after = positions[change] === this.#position + 1 && this.#open(change) ? this.#step(change) : undefined
      if (after === undefined || !this.#fits(after)) {
        const why = after === undefined ? (this.#open(change) ? 'answer' : 'order') : 'oracle'
        return this.#choose([quiet], why, change)
      }
      if (!quiet.empty && this.#fork(quiet) === undefined) return false
      this.#change++
      this.#apply(change, after)
      return true
    }
    const known = change !== undefined || read !== undefined || this.#position < (this.#oracle?.position ?? 0)
    const moving = this.#movingCandidates()
    const next = read === undefined || (positions[change ?? 0] ?? 0) < (positions[read] ?? 0) ? change : read
    return this.#choose(
      known ? [moving, quiet] : [quiet, moving],
      known ? 'gap' : 'end',
      next ?? this.#placement.byEnd[this.#end],
    )
  }

  /** Takes the first candidate that fits, and keeps the others in mind; notes why, where none does. */
  #choose(lists: readonly Candidates[], why: Stuck<State>['why'], step: number | undefined): boolean {
    const candidates = new Candidates(lists)
    const fork = candidates.empty ? undefined : this.#fork(candidates)
    if (fork !== undefined) {
      if (this.#take(fork)) return true
      this.#forks.pop()
    }
    this.#note(why, step)
    return false
  }

  #goBack(): boolean {
    for (
      let fork = this.#forks[this.#forks.length - 1];
      fork !== undefined;
      fork = this.#forks[this.#forks.length - 1]
    ) {
      this.#undo(fork)
      if (this.#take(fork)) return true
      this.#forks.pop()
    }
    return false
  }

  /** Undefined where the same calls led to the same state before, in another order: nothing new can come of it. */
  #fork(candidates: Candidates): Fork<State> | undefined {
    // The reads count: what makes the past unreadable must not come before a read of it, and may come after.
    if (!this.#seen.add(this.#wandering, this.#states.numberOf(this.#state), this.#read)) return undefined
    const fork = {
      placed: this.order.length,
      state: this.#state,
      change: this.#change,
      read: this.#read,
      float: this.#float,
      end: this.#end,
      candidates,
    }
    this.#forks.push(fork)
    return fork
  }

  #undo({ placed, state, change, read, float, end }: Fork<State>): void {
    while (this.order.length > placed) {
      const step = this.order.pop() ?? 0
      this.#placed[step] = 0
      if (this.#wanders(step)) this.#wandering.remove(this.#numbers[step] ?? 0)
    }
    this.#state = state
    this.#position = this.#witness.position(state)
    this.#change = change
    this.#read = read
    this.#float = float
    this.#end = end
  }

  #take({ candidates }: Fork<State>): boolean {
    for (let next = candidates.next(); next !== undefined; next = candidates.next()) {
      const { step, quiet } = next
      if (this.#placed[step] === 1) continue
      const { input, output } = this.#steps[step] as Step<Input, Output>
      if (!quiet && !this.#mayMove(step, input, output)) continue
      // Two calls that ask the same and of which nobody was told are as good one as the other.
      if (output === UNKNOWN && candidates.triedAlike(() => JSON.stringify(input))) continue
      const after = this.#step(step)
      if (after === undefined || !(quiet ? this.#changesQuietly(step, after) : this.#fits(after))) continue
      if (output === UNKNOWN) candidates.tried(JSON.stringify(input))
      this.#apply(step, after)
      return true
    }
    return false
  }

  #mayMove(step: number, input: Input, output: Output | typeof UNKNOWN): boolean {
    const position = this.#position + 1
    if ((this.#due.get(step) ?? position) !== position) return false
    if (this.#oracle?.allows?.(input, position) === false) return false
    return this.#hints === undefined || output !== UNKNOWN || this.#hints(input, position)
  }

  #quietCandidates(): Candidates {
    const { quietFloats, quietMaybes } = this.#placement
    if (quietFloats.length === 0 && quietMaybes.length === 0) return NO_CANDIDATES
    return new Candidates([this.#openOf(quietFloats, true, false), this.#openOf(quietMaybes, true, true)])
  }

  #movingCandidates(): Candidates {
    const { floats, maybes } = this.#placement
    return new Candidates([this.#openOf(floats, false, false), this.#openOf(maybes, false, true)])
  }

  /** Those that may take effect by now; with `latestFirst` the last called first, which is the likeliest. */
  #openOf(list: Int32Array, quiet: boolean, latestFirst: boolean): Candidates {
    let low = 0
    let high = list.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#open(list[middle] ?? 0)) low = middle + 1
      else high = middle
    }
    if (latestFirst) return Candidates.of(list, low - 1, -1, -1, quiet)
    let first = 0
    if (list === this.#placement.floats) first = this.#float
    else while (first < low && this.#placed[list[first] ?? 0] === 1) first++
    return Candidates.of(list, first, low, 1, quiet)
  }

  /** Whether nothing that is still to be placed had ended before it was called. */
  #open(step: number): boolean {
    const { byEnd } = this.#placement
    if (this.#end === byEnd.length) return true
    const first = this.#steps[byEnd[this.#end] ?? 0]
    return (this.#steps[step]?.from ?? 0) < (first?.to ?? Infinity)
  }

  #step(step: number): State | undefined {
    this.stepsDone++
    const { input, output } = this.#steps[step] as Step<Input, Output>
    return this.#model.step(this.#state, input, output)
  }

  #same(after: State): boolean {
    return after === this.#state || (this.#model.equal?.(after, this.#state) ?? false)
  }

  #isQuiet(step: number): boolean {
    return this.#witness.quiet?.((this.#steps[step] as Step<Input, Output>).input) ?? false
  }

  /** Whether it is the change to the next position that was really made, as far as somebody knows. */
  #fits(after: State): boolean {
    if (this.#witness.position(after) !== this.#position + 1) return false
    return this.#oracle === undefined || this.#oracle.agrees(after)
  }

  /** An answered call must be placed even if it changes nothing. */
  #changesQuietly(step: number, after: State): boolean {
    if (this.#witness.position(after) !== this.#position) return false
    return this.#steps[step]?.output !== UNKNOWN || !this.#same(after)
  }

  #apply(step: number, after: State): void {
    this.#state = after
    this.#position = this.#witness.position(after)
    this.#place(step)
  }

  #place(step: number): void {
    const { byEnd } = this.#placement
    this.#placed[step] = 1
    this.order.push(step)
    if (this.#wanders(step)) this.#wandering.add(this.#numbers[step] ?? 0)
    while (this.#end < byEnd.length && this.#placed[byEnd[this.#end] ?? 0] === 1) this.#end++
  }

  #wanders(step: number): boolean {
    return this.#numbers[step] !== SETTLED
  }

  #note(why: Stuck<State>['why'], step: number | undefined): void {
    const blockedBy = why === 'order' ? this.#placement.byEnd[this.#end] : undefined
    const culprit = blockedBy ?? step
    this.#hopeless = culprit !== undefined && this.#isSettled(culprit) && this.#isWrongAnyhow(why, culprit)
    if (this.stuck !== undefined && !this.#hopeless && this.order.length <= this.stuck.order.length) return
    this.stuck = { why, step, blockedBy, position: this.#position, state: this.#state, order: [...this.order] }
  }

  /** Whether the oracle knows all that the answer follows from. */
  #isSettled(step: number): boolean {
    const { input, output } = this.#steps[step] as Step<Input, Output>
    return this.#allKnown && output !== UNKNOWN && (this.#witness.settled?.(input) ?? false)
  }

  /** Whether a settled answer is wrong in every order: every order leads through the changes that this one led through. */
  #isWrongAnyhow(why: Stuck<State>['why'], step: number): boolean {
    switch (why) {
      case 'answer':
      case 'oracle':
        return true
      case 'order':
      case 'end':
        return this.#neverRight(step)
      case 'gap':
        return false
      default:
        return assertNever(why, 'reason')
    }
  }

  /** Of an answer without a place: whether it was right at no position so far from the first that it can be at. */
  #neverRight(step: number): boolean {
    const { positions, byEnd } = this.#placement
    if (this.stepsDone < this.#replayAfter || this.#rightOnce.has(step) || !Number.isNaN(positions[step])) return false
    const { input, output, from } = this.#steps[step] as Step<Input, Output>
    let first = -Infinity
    for (const ended of byEnd) {
      if ((this.#steps[ended]?.to ?? Infinity) > from) break
      first = Math.max(first, positions[ended] || first)
    }
    let state = this.#model.init()
    const right = (): boolean =>
      this.#witness.position(state) >= first && this.#model.step(state, input, output) !== undefined
    let found = right()
    for (const placed of this.order) {
      if (found) break
      const before = this.#witness.position(state)
      const { input, output } = this.#steps[placed] as Step<Input, Output>
      state = this.#model.step(state, input, output) ?? state
      if (this.#witness.position(state) !== before) found = right()
    }
    this.stepsDone += this.order.length
    this.#replayAfter = this.stepsDone + this.order.length
    if (found) this.#rightOnce.add(step)
    return !found
  }
}

const SETTLED = -1

/** The calls that alone claim a position, by step: nobody else can have made the change to it. */
function dueOf<State, Input>(
  steps: readonly Step<Input>[],
  oracle: Oracle<State, Input> | undefined,
): ReadonlyMap<number, number> {
  const claimants = new Map<number, Set<number>>()
  if (oracle?.claims !== undefined) {
    steps.forEach(({ input }, step) => {
      for (const position of oracle.claims?.(input) ?? []) {
        const known = claimants.get(position)
        if (known === undefined) claimants.set(position, new Set([step]))
        else known.add(step)
      }
    })
  }
  const due = new Map<number, number>()
  for (const [position, [step, ...others]] of claimants) {
    if (step !== undefined && others.length === 0) due.set(step, position)
  }
  return due
}

function numbersOf({ floats, maybes }: Placement, count: number): Int32Array {
  const numbers = new Int32Array(count).fill(SETTLED)
  const wandering = [...floats, ...maybes].sort((left, right) => left - right)
  wandering.forEach((step, number) => {
    numbers[step] = number
  })
  return numbers
}

/**
 * Looks for an order of the calls that explains every answer: Wing and Gong's search, with Lowe's memory of where it has
 * been.
 *
 * Of the calls that nothing has to come before, one that the model allows is taken out of the list; when none is left to
 * take, the last taken is put back and the next one tried. Done when all answered calls are out: those of unknown outcome
 * need not have taken effect.
 *
 * Always: it can be stopped after any number of steps and goes on where it was.
 */
import { Interner } from './interner.js'
import { UNKNOWN, type Model } from './model.js'
import { CallSet, Seen } from './seen.js'
import type { Step } from './timeline.js'

export type SearchResult = 'ok' | 'illegal' | 'unfinished'

/** Where no further call could be placed: the search got no further than this in any order. */
export interface DeadEnd {
  /** The step that had to come next and could not. */
  readonly step: number
  /** Those that were placed before it, in their order. */
  readonly order: readonly number[]
  /** Numbers of the states in which it was impossible. */
  readonly states: readonly number[]
}

const STATES_TOLD_MAX = 8

export class Search<State, Input, Output> {
  readonly states: Interner<State>
  readonly #steps: readonly Step<Input, Output>[]
  readonly #model: Model<State, Input, Output>
  /** A list of beginnings (`step`) and ends (`count + step`), in the order of time; `2 * count` is before the first. */
  readonly #next: Int32Array
  readonly #previous: Int32Array
  /** Where each end stands in that order. */
  readonly #rank: Int32Array
  readonly #uncertain: Uint8Array
  readonly #placed: CallSet
  readonly #seen = new Seen()
  readonly #order: number[] = []
  /** The state before each of `#order`. */
  readonly #before: number[] = []
  #state: number
  #entry: number
  #answersLeft = 0
  #stepsDone = 0
  #result: SearchResult = 'unfinished'
  #farthest = -1
  #deadEnd: { step: number; order: readonly number[]; states: number[] } | undefined

  /** `steps` in the order of `from`. */
  constructor(steps: readonly Step<Input, Output>[], model: Model<State, Input, Output>, key?: string) {
    const count = steps.length
    this.#steps = steps
    this.#model = model
    this.states = new Interner<State>(model)
    this.#placed = new CallSet(count)
    this.#next = new Int32Array(2 * count + 1)
    this.#previous = new Int32Array(2 * count + 1)
    this.#rank = new Int32Array(2 * count + 1)
    this.#uncertain = Uint8Array.from(steps, ({ output }) => (output === UNKNOWN ? 1 : 0))
    this.#answersLeft = steps.length - this.#uncertain.reduce((sum, each) => sum + each, 0)
    this.#link()
    this.#state = this.states.numberOf(model.init(key))
    this.#entry = this.#next[2 * count] ?? NOTHING
  }

  /** Steps of the model so far. */
  get stepsDone(): number {
    return this.#stepsDone
  }

  /** About what it holds in memory, states not counted. */
  get bytes(): number {
    return this.#seen.bytes
  }

  get result(): SearchResult {
    return this.#result
  }

  /** Of an `ok` search: all that took effect, in their order. */
  get order(): readonly number[] {
    return this.#order
  }

  get deadEnd(): DeadEnd | undefined {
    return this.#deadEnd
  }

  /** Goes on for at most about `stepsMax` steps of the model. */
  run(stepsMax: number): SearchResult {
    const count = this.#steps.length
    const stopAt = this.#stepsDone + stepsMax
    while (this.#result === 'unfinished' && this.#stepsDone < stopAt) {
      if (this.#answersLeft === 0) this.#result = 'ok'
      else if (this.#entry < count) this.#try(this.#entry)
      else this.#goBack(this.#entry - count)
    }
    return this.#result
  }

  #link(): void {
    const count = this.#steps.length
    const entries: { readonly entry: number; readonly moment: number }[] = []
    this.#steps.forEach(({ from, to }, at) => {
      entries.push({ entry: at, moment: from })
      if (to !== Infinity) entries.push({ entry: count + at, moment: to })
    })
    entries.sort((left, right) => left.moment - right.moment || left.entry - right.entry)
    let last = 2 * count
    entries.forEach(({ entry }, rank) => {
      this.#rank[entry] = rank
      this.#next[last] = entry
      this.#previous[entry] = last
      last = entry
    })
    this.#next[last] = NOTHING
  }

  #try(step: number): void {
    this.#stepsDone++
    const { input, output } = this.#steps[step] as Step<Input, Output>
    const after = this.#model.step(this.states.of(this.#state), input, output)
    if (after !== undefined && this.#take(step, this.states.numberOf(after))) return
    this.#entry = this.#next[step] ?? NOTHING
  }

  #take(step: number, after: number): boolean {
    const uncertain = this.#uncertain[step] === 1
    // What nobody was told of and what changes nothing explains nothing.
    if (uncertain && after === this.#state) return false
    this.#placed.add(step)
    if (!this.#seen.add(this.#placed, after)) {
      this.#placed.remove(step)
      return false
    }
    this.#order.push(step)
    this.#before.push(this.#state)
    this.#state = after
    if (!uncertain) this.#answersLeft--
    this.#lift(step)
    this.#entry = this.#next[2 * this.#steps.length] ?? NOTHING
    return true
  }

  /** `blocked` had to be placed by now. */
  #goBack(blocked: number): void {
    this.#note(blocked)
    const step = this.#order.pop()
    if (step === undefined) {
      this.#result = 'illegal'
      return
    }
    this.#state = this.#before.pop() ?? 0
    this.#placed.remove(step)
    if (this.#uncertain[step] === 0) this.#answersLeft++
    this.#unlift(step)
    this.#entry = this.#next[step] ?? NOTHING
  }

  #note(blocked: number): void {
    const rank = this.#rank[this.#steps.length + blocked] ?? 0
    if (rank > this.#farthest) {
      this.#farthest = rank
      this.#deadEnd = { step: blocked, order: [...this.#order], states: [this.#state] }
    } else if (rank === this.#farthest && this.#deadEnd !== undefined) {
      const { states } = this.#deadEnd
      if (states.length < STATES_TOLD_MAX && !states.includes(this.#state)) states.push(this.#state)
    }
  }

  #lift(step: number): void {
    this.#unlink(step)
    if (this.#uncertain[step] === 0) this.#unlink(this.#steps.length + step)
  }

  #unlift(step: number): void {
    if (this.#uncertain[step] === 0) this.#relink(this.#steps.length + step)
    this.#relink(step)
  }

  #unlink(entry: number): void {
    const next = this.#next[entry] ?? NOTHING
    const previous = this.#previous[entry] ?? 0
    this.#next[previous] = next
    if (next !== NOTHING) this.#previous[next] = previous
  }

  #relink(entry: number): void {
    const next = this.#next[entry] ?? NOTHING
    this.#next[this.#previous[entry] ?? 0] = entry
    if (next !== NOTHING) this.#previous[next] = entry
  }
}

/** After the last entry. An answered call that is not placed has its end in the list, so that the search never gets there. */
const NOTHING = -1

/**
 * Numbers for states, so that a state is kept once and compared by its number.
 *
 * Always: two states have one number only if they are equal, never because their hashes are.
 */
import type { Model } from './model.js'

export class Interner<State> {
  readonly #states: State[] = []
  readonly #numbers = new Map<State, number>()
  /** Where the model says what equal means: numbers by hash. */
  readonly #buckets = new Map<number, number[]>()
  readonly #equal: ((left: State, right: State) => boolean) | undefined
  readonly #hash: ((state: State) => number) | undefined

  constructor(model: Pick<Model<State, never, never>, 'equal' | 'hash'>) {
    this.#equal = model.equal?.bind(model)
    this.#hash = model.hash?.bind(model)
  }

  get size(): number {
    return this.#states.length
  }

  of(number: number): State {
    return this.#states[number] as State
  }

  numberOf(state: State): number {
    const equal = this.#equal
    if (equal === undefined) return this.#numbers.get(state) ?? this.#add(state, this.#numbers)
    const hash = this.#hash?.(state) ?? 0
    const bucket = this.#buckets.get(hash)
    if (bucket === undefined) {
      const number = this.#states.push(state) - 1
      this.#buckets.set(hash, [number])
      return number
    }
    for (const number of bucket) if (equal(this.of(number), state)) return number
    const number = this.#states.push(state) - 1
    bucket.push(number)
    return number
  }

  #add(state: State, numbers: Map<State, number>): number {
    const number = this.#states.push(state) - 1
    numbers.set(state, number)
    return number
  }
}

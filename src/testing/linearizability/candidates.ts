/** Calls that may be tried at one place of an order, each once. Only looked for as they are asked for. */
export interface Candidate {
  readonly step: number
  readonly quiet: boolean
}

/** What may be tried at one place, each once. */
export class Candidates {
  readonly #parts: readonly Candidates[]
  readonly #tried = new Set<string>()
  #part = 0

  constructor(parts: readonly Candidates[]) {
    this.#parts = parts.filter(({ empty }) => !empty)
  }

  /** The members of `list` from `at` to before `end`, by `by`. */
  static of(list: Int32Array, at: number, end: number, by: 1 | -1, quiet: boolean): Candidates {
    return (end - at) * by > 0 ? new Listed(list, at, end, by, quiet) : NO_CANDIDATES
  }

  get empty(): boolean {
    return this.#parts.length === 0
  }

  next(): Candidate | undefined {
    for (; this.#part < this.#parts.length; this.#part++) {
      const next = this.#parts[this.#part]?.next()
      if (next !== undefined) return next
    }
    return undefined
  }

  /** `name` is asked for only where something was tried. */
  triedAlike(name: () => string): boolean {
    return this.#tried.size > 0 && this.#tried.has(name())
  }

  tried(name: string): void {
    this.#tried.add(name)
  }
}

class Listed extends Candidates {
  readonly #list: Int32Array
  readonly #end: number
  readonly #by: 1 | -1
  readonly #quiet: boolean
  #at: number

  constructor(list: Int32Array, at: number, end: number, by: 1 | -1, quiet: boolean) {
    super([])
    this.#list = list
    this.#at = at
    this.#end = end
    this.#by = by
    this.#quiet = quiet
  }

  override get empty(): boolean {
    return this.#at === this.#end
  }

  override next(): Candidate | undefined {
    if (this.empty) return undefined
    const step = this.#list[this.#at] ?? 0
    this.#at += this.#by
    return { step, quiet: this.#quiet }
  }
}

export const NO_CANDIDATES = new Candidates([])

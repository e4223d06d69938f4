/**
 * Walks the records within bounds, in either direction. Of two bounds on one side the inclusive one counts, as
 * abstract-level documents.
 */
import type { OrderedMap } from '../../base/ordered-map.js'

export interface Bounds {
  readonly gt?: string
  readonly gte?: string
  readonly lt?: string
  readonly lte?: string
  readonly reverse: boolean
  readonly limit: number
}

export class SimCursor {
  readonly #records: OrderedMap<Uint8Array>
  readonly #bounds: Bounds
  /** Where to go on: from this key, and whether it is still to be given. Without one: from the very end. */
  #from: string | undefined
  #inclusive: boolean
  #ended = false

  constructor(records: OrderedMap<Uint8Array>, bounds: Bounds) {
    this.#records = records
    this.#bounds = bounds
    const inclusive = bounds.reverse ? bounds.lte : bounds.gte
    const start = inclusive ?? (bounds.reverse ? bounds.lt : bounds.gt)
    this.#inclusive = inclusive !== undefined || start === undefined
    if (start !== undefined) this.#from = start
    else if (!bounds.reverse) this.#from = ''
  }

  next(): readonly [string, Uint8Array] | undefined {
    if (this.#ended) return undefined
    const pair = this.#bounds.reverse
      ? this.#records.previous(this.#from, this.#inclusive)
      : this.#records.next(this.#from as string, this.#inclusive)
    if (pair === undefined || !this.#within(pair[0])) return undefined
    this.#from = pair[0]
    this.#inclusive = false
    return pair
  }

  /** Outside the bounds there is nothing to go on with. */
  seek(key: string): void {
    this.#ended = !this.#within(key)
    this.#from = key
    this.#inclusive = true
  }

  #within(key: string): boolean {
    const { gt, gte, lt, lte } = this.#bounds
    const above = gte !== undefined ? key >= gte : gt === undefined || key > gt
    const below = lte !== undefined ? key <= lte : lt === undefined || key < lt
    return above && below
  }
}

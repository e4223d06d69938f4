/**
 * The orders in which a range can be asked for, and the first few versions of many in each of them.
 *
 * Always: what does not belong to the first `limit` falls out at once, so that a limit bounds the memory however long the
 * range is.
 */
import { assertNever } from '../base/assert.js'
import { asBuffer, type Key } from '../base/bytes.js'
import { NO_VALUE } from './answer.js'
import type { RangeSort, Revision } from './types.js'

export const SORT_TARGETS = ['key', 'version', 'create-revision', 'mod-revision', 'value'] as const
export const SORT_ORDERS = ['ascending', 'descending'] as const

export const BY_KEY: RangeSort = Object.freeze({ target: 'key', order: 'ascending' })

/** What a version is sorted by; its value, which the index does not know, for that target alone. */
export interface Sortable {
  readonly key: Key
  readonly createRevision: Revision
  readonly modRevision: Revision
  readonly version: number
  readonly value?: Uint8Array
}

/** Takes versions in key order, and shows those that come first in the order that is asked for. */
export interface FirstInOrder<T> {
  /** Whether the limit kept any out. */
  readonly more: boolean
  /** Gives what it keeps out for this one: another one, or this one itself. */
  add(one: T): T | undefined
  /** Shows what was not shown before, so that all of them were shown in their order. */
  finish(): void
}

/** `order`: undefined for the one in which they come. */
export function firstInOrder<T extends Sortable>(
  order: RangeSort | undefined,
  limit: number,
  show: (one: T) => void,
): FirstInOrder<T> {
  if (order === undefined) return new Leading(limit, show)
  if (order.target === 'key' && order.order === 'descending') return new Trailing(limit, show)
  return new Sorted(new FirstOf<T>(order, limit), show)
}

class Leading<T> implements FirstInOrder<T> {
  more = false
  readonly #show: (one: T) => void
  #left: number

  constructor(limit: number, show: (one: T) => void) {
    this.#left = limit
    this.#show = show
  }

  add(one: T): T | undefined {
    if (this.#left === 0) {
      this.more = true
      return one
    }
    this.#left--
    this.#show(one)
    return undefined
  }

  finish(): void {
    // Shown as they came.
  }
}

class Trailing<T> implements FirstInOrder<T> {
  more = false
  readonly #limit: number
  readonly #show: (one: T) => void
  #held: T[] = []
  /** Those before it have fallen out. */
  #start = 0

  constructor(limit: number, show: (one: T) => void) {
    this.#limit = limit
    this.#show = show
  }

  add(one: T): T | undefined {
    this.#held.push(one)
    if (this.#held.length - this.#start <= this.#limit) return undefined
    this.more = true
    const dropped = this.#held[this.#start++]
    if (this.#start > this.#limit) {
      this.#held = this.#held.slice(this.#start)
      this.#start = 0
    }
    return dropped
  }

  finish(): void {
    for (let at = this.#held.length - 1; at >= this.#start; at--) this.#show(this.#held[at] as T)
  }
}

class Sorted<T extends Sortable> implements FirstInOrder<T> {
  readonly #first: FirstOf<T>
  readonly #show: (one: T) => void

  constructor(first: FirstOf<T>, show: (one: T) => void) {
    this.#first = first
    this.#show = show
  }

  get more(): boolean {
    return this.#first.more
  }

  add(one: T): T | undefined {
    return this.#first.add(one)
  }

  finish(): void {
    for (const one of this.#first.takeAll()) this.#show(one)
  }
}

/**
 * A binary heap with the last one at its root. It can be emptied one by one, so that whoever sorts much lets others have
 * their turn in between.
 */
export class FirstOf<T extends Sortable> {
  readonly #after: (a: Sortable, b: Sortable) => boolean
  readonly #limit: number
  readonly #heap: T[] = []
  #more = false

  constructor(sort: RangeSort, limit: number) {
    this.#after = afterIn(sort)
    this.#limit = limit
  }

  /** Whether the limit kept any out. */
  get more(): boolean {
    return this.#more
  }

  /** Gives what it keeps out for this one: another one, or this one itself. */
  add(one: T): T | undefined {
    const heap = this.#heap
    if (heap.length < this.#limit) {
      heap.push(one)
      this.#rise(heap.length - 1)
      return undefined
    }
    this.#more = true
    const last = heap[0]
    if (last === undefined || !this.#after(last, one)) return one
    heap[0] = one
    this.#sink(0)
    return last
  }

  /** Takes out the last of those that it holds. */
  takeLast(): T | undefined {
    const heap = this.#heap
    const last = heap[0]
    const moved = heap.pop()
    if (last === undefined || moved === undefined || heap.length === 0) return last
    heap[0] = moved
    this.#sink(0)
    return last
  }

  /** Takes all of them out, the first one first. */
  takeAll(): readonly T[] {
    const all: T[] = []
    for (let last = this.takeLast(); last !== undefined; last = this.takeLast()) all.push(last)
    return all.reverse()
  }

  #rise(place: number): void {
    const heap = this.#heap
    const one = heap[place] as T
    while (place > 0) {
      const above = (place - 1) >>> 1
      if (!this.#after(one, heap[above] as T)) break
      heap[place] = heap[above] as T
      place = above
    }
    heap[place] = one
  }

  #sink(place: number): void {
    const heap = this.#heap
    const one = heap[place] as T
    for (;;) {
      let below = 2 * place + 1
      if (below >= heap.length) break
      if (below + 1 < heap.length && this.#after(heap[below + 1] as T, heap[below] as T)) below++
      if (!this.#after(heap[below] as T, one)) break
      heap[place] = heap[below] as T
      place = below
    }
    heap[place] = one
  }
}

/** Whether the first one comes after the second one. */
function afterIn({ target, order }: RangeSort): (a: Sortable, b: Sortable) => boolean {
  const difference = differenceIn(target)
  const sign = order === 'ascending' ? 1 : -1
  return (a, b) => {
    const found = difference(a, b)
    return found === 0 ? a.key > b.key : found * sign > 0
  }
}

function differenceIn(target: RangeSort['target']): (a: Sortable, b: Sortable) => number {
  switch (target) {
    case 'key':
      return (a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
    case 'version':
      return (a, b) => a.version - b.version
    case 'create-revision':
      return (a, b) => a.createRevision - b.createRevision
    case 'mod-revision':
      return (a, b) => a.modRevision - b.modRevision
    case 'value':
      return (a, b) => asBuffer(a.value ?? NO_VALUE).compare(b.value ?? NO_VALUE)
    default:
      return assertNever(target, 'sort target')
  }
}

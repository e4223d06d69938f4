/**
 * Leases by the time at which each is next due: a binary heap that knows where each of its items stands, so that a renewal
 * or an end costs log n and leaves nothing behind. (Leaving stale entries until they come up would let a client that grants
 * and revokes leases of a year fill the memory.)
 *
 * Ties are broken by id: the order of expiry is a function of the leases, not of history.
 */
import { assert } from '../base/assert.js'
import type { LeaseId } from '../base/lease-id.js'

export interface Due {
  readonly id: LeaseId
  dueMs: number
  /** Where it stands in the queue; -1 outside. The queue's own. */
  place: number
}

export class DeadlineQueue {
  readonly #heap: Due[] = []

  get first(): Due | undefined {
    return this.#heap[0]
  }

  add(item: Due): void {
    assert(item.place === -1, () => `lease ${item.id} is queued twice`)
    this.#heap.push(item)
    this.#rise(item, this.#heap.length - 1)
  }

  /** Puts `item` where its new time belongs. */
  move(item: Due, dueMs: number): void {
    item.dueMs = dueMs
    this.#rise(item, item.place)
    this.#sink(item, item.place)
  }

  remove(item: Due): void {
    const { place } = item
    assert(this.#heap[place] === item, () => `lease ${item.id} is not queued`)
    const last = this.#heap.pop() as Due
    item.place = -1
    if (last === item) return
    this.#rise(last, place)
    this.#sink(last, last.place)
  }

  clear(): void {
    this.#heap.length = 0
  }

  /** Moves `item` from `place`, which is free, towards the front. */
  #rise(item: Due, place: number): void {
    let at = place
    while (at > 0) {
      const parentAt = (at - 1) >>> 1
      const parent = this.#heap[parentAt] as Due
      if (!before(item, parent)) break
      this.#set(parent, at)
      at = parentAt
    }
    this.#set(item, at)
  }

  #sink(item: Due, place: number): void {
    let at = place
    for (;;) {
      const left = this.#heap[2 * at + 1]
      if (left === undefined) break
      const right = this.#heap[2 * at + 2]
      const child = right !== undefined && before(right, left) ? right : left
      if (!before(child, item)) break
      const childAt = child.place
      this.#set(child, at)
      at = childAt
    }
    this.#set(item, at)
  }

  #set(item: Due, place: number): void {
    this.#heap[place] = item
    item.place = place
  }
}

function before(a: Due, b: Due): boolean {
  return a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.id < b.id)
}

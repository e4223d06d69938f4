/**
 * Everything that will happen, ordered by (time, order of scheduling): a binary heap.
 *
 * Always: what was cancelled takes room only until it makes up half of the queue.
 */
import type { Scheduled } from './sim-process.js'

/** Below this it is not worth the trouble. */
const SWEEP_MIN = 256

export class EventQueue {
  #heap: Scheduled[] = []
  #cancelled = 0

  get size(): number {
    return this.#heap.length
  }

  get first(): Scheduled | undefined {
    return this.#heap[0]
  }

  cancel(scheduled: Scheduled): void {
    if (scheduled.cancelled) return
    scheduled.cancelled = true
    scheduled.action = ignore
    this.#cancelled++
    if (this.#cancelled > SWEEP_MIN && 2 * this.#cancelled > this.#heap.length) {
      this.sweep()
    }
  }

  /** Throws out what will not run any more, and orders the rest anew, should times have changed. */
  sweep(): void {
    this.#heap = this.#heap.filter(({ cancelled, process }) => !cancelled && process?.alive !== false)
    this.#cancelled = 0
    // A sorted list is a heap.
    this.#heap.sort((a, b) => (isBefore(a, b) ? -1 : 1))
  }

  /** All that is waiting, in no order. After a change of times: {@link sweep}. */
  [Symbol.iterator](): Iterator<Scheduled> {
    return this.#heap[Symbol.iterator]()
  }

  push(scheduled: Scheduled): void {
    const heap = this.#heap
    let at = heap.push(scheduled) - 1
    while (at > 0) {
      const parent = (at - 1) >> 1
      if (!isBefore(scheduled, heap[parent] as Scheduled)) break
      heap[at] = heap[parent] as Scheduled
      at = parent
    }
    heap[at] = scheduled
  }

  pop(): Scheduled | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (first === undefined || last === undefined) return undefined
    if (first.cancelled) this.#cancelled--
    if (heap.length === 0) return first
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Scheduled, heap[child] as Scheduled)) child++
      if (!isBefore(heap[child] as Scheduled, last)) break
      heap[at] = heap[child] as Scheduled
      at = child
    }
    heap[at] = last
    return first
  }
}

const ignore = (): void => undefined

function isBefore(a: Scheduled, b: Scheduled): boolean {
  return a.atUs < b.atUs || (a.atUs === b.atUs && a.order < b.order)
}

/** The life of one process on a simulated disk: how long its operations take, and that none outlives it. */
import { assert } from '../../base/assert.js'
import type { Timers } from '../../base/clock.js'
import { below, type Random } from '../../base/random.js'

/** Milliseconds of each kind of operation, from and to. */
export interface SimDiskLatency {
  readonly open: readonly [number, number]
  readonly read: readonly [number, number]
  readonly write: readonly [number, number]
  readonly sync: readonly [number, number]
}

export class SimMount {
  readonly #timers: Timers
  readonly #random: Random
  readonly #latency: SimDiskLatency
  #alive = true

  constructor(timers: Timers, random: Random, latency: SimDiskLatency) {
    this.#timers = timers
    this.#random = random
    this.#latency = latency
  }

  get alive(): boolean {
    return this.#alive
  }

  /** The process is gone: what it waits for never comes. */
  kill(): void {
    this.#alive = false
  }

  /** A call that cannot wait for ever: whoever makes it runs on after the death of its process. */
  assertAlive(): void {
    assert(this.#alive, 'a process that crashed uses its disk')
  }

  /** Calls `action` after the time that an operation of this kind takes, unless the process dies before. */
  schedule(kind: keyof SimDiskLatency, action: () => void): void {
    if (!this.#alive) return
    const [least, most] = this.#latency[kind]
    const delayMs = least + below(this.#random, Math.round((most - least) * 1000) + 1) / 1000
    this.#timers.after(delayMs, () => {
      if (this.#alive) action()
    })
  }

  later(kind: keyof SimDiskLatency): Promise<void>
  later<T>(kind: keyof SimDiskLatency, action: () => T): Promise<T>
  later<T>(kind: keyof SimDiskLatency, action?: () => T): Promise<T | undefined> {
    return new Promise((resolve) => this.schedule(kind, () => resolve(action?.())))
  }
}

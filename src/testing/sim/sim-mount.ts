/** The life of one process on a simulated disk: how long its operations take, and that none outlives it. */
import { assert } from '../../base/assert.js'
import type { Timers } from '../../base/clock.js'
import type { DiskFate } from './disk-fate.js'
import type { SimCondition } from './sim-condition.js'
import type { Enter } from './sim-process.js'

export type { Enter } from './sim-process.js'

/** Milliseconds of each kind of operation, from and to. */
export interface SimDiskLatency {
  readonly open: readonly [number, number]
  readonly read: readonly [number, number]
  readonly write: readonly [number, number]
  readonly sync: readonly [number, number]
}

export class SimMount {
  readonly condition: SimCondition
  readonly #timers: Timers
  readonly #latency: SimDiskLatency
  readonly #enter: Enter | undefined
  #alive = true

  constructor(timers: Timers, latency: SimDiskLatency, condition: SimCondition, enter: Enter | undefined) {
    this.condition = condition
    this.#timers = timers
    this.#latency = latency
    this.#enter = enter
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

  /**
   * After the time that an operation of this kind takes, `effect` happens on the disk, then `end` in the process; neither
   * if the process dies before.
   */
  schedule(fate: DiskFate, kind: keyof SimDiskLatency, effect: (() => void) | undefined, end: () => void): void {
    if (!this.#alive) return
    const [least, most] = this.#latency[kind]
    const delayMs = least + fate.below(kind, Math.round((most - least) * 1000) + 1) / 1000
    const over = (): void => {
      if (!this.#alive) return
      if (this.condition.hung) return this.condition.hold(over)
      effect?.()
      if (this.#enter === undefined) end()
      else this.#enter(() => this.#alive && end())
    }
    this.#timers.after(delayMs * this.condition.factor, over)
  }

  /** Resolves after that time, with what `effect` found then. */
  later(fate: DiskFate, kind: keyof SimDiskLatency): Promise<void>
  later<T>(fate: DiskFate, kind: keyof SimDiskLatency, effect: () => T): Promise<T>
  later<T>(fate: DiskFate, kind: keyof SimDiskLatency, effect?: () => T): Promise<T | undefined> {
    return new Promise((resolve, reject) => {
      let settle = (): void => resolve(undefined)
      const act =
        effect === undefined
          ? undefined
          : (): void => {
              try {
                const found = effect()
                settle = () => resolve(found)
              } catch (error) {
                settle = () => reject(error)
              }
            }
      this.schedule(fate, kind, act, () => settle())
    })
  }
}

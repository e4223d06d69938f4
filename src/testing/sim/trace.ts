/** What happened in a run, as one rolling hash and, if asked for, as lines: two runs of one seed must agree on it. */
import { crc32 } from '../../base/checksum.js'
import type { SimScheduler } from './scheduler.js'

export class Trace {
  readonly #scheduler: SimScheduler
  readonly #lines: string[] | undefined
  #hash = 0
  #count = 0

  constructor(scheduler: SimScheduler, keep: boolean) {
    this.#scheduler = scheduler
    this.#lines = keep ? [] : undefined
  }

  note(what: string): void {
    const line = `${this.#scheduler.nowMs.toFixed(3).padStart(12)}  ${what}`
    this.#hash = crc32(Buffer.from(line), this.#hash)
    this.#count++
    this.#lines?.push(line)
  }

  /** Of everything noted so far, with how much that was. */
  get hash(): string {
    return `${this.#hash.toString(16).padStart(8, '0')}/${this.#count}`
  }

  /** Empty unless the lines are kept. */
  get lines(): readonly string[] {
    return this.#lines ?? []
  }
}

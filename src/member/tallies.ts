/**
 * Counts keys and their bytes in slices, between which timers, frames and other calls get their turn.
 *
 * Always: what is counted is the state at one revision, the one at which counting began: the sweep is held meanwhile, so
 * that a compaction takes nothing away from who counts. Always: whether who asks may is decided in that same step.
 */
import { NEVER, type Buggify } from '../base/buggify.js'
import type { Timers } from '../base/clock.js'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Identity } from '../machine/identity.js'
import type { Machine } from '../machine/machine.js'
import type { KeyRange } from '../mvcc/statistics.js'
import type { Revision } from '../mvcc/types.js'
import type { CallLimits, Deadlines, Pending } from './deadlines.js'
import type { EndCode } from './lifetime.js'

export interface Statistics {
  readonly keys: number
  readonly bytes: number
  readonly revision: Revision
}

/** Histories that one slice looks at: about half a millisecond. */
const HISTORIES_PER_SLICE = 2048

export class Tallies {
  readonly #machine: Machine
  readonly #deadlines: Deadlines
  readonly #timers: Timers
  readonly #buggify: Buggify
  readonly #waiting = new Set<Pending<Statistics>>()

  constructor(
    machine: Machine,
    deadlines: Deadlines,
    { timers, buggify = NEVER }: { readonly timers: Timers; readonly buggify?: Buggify | undefined },
  ) {
    this.#machine = machine
    this.#deadlines = deadlines
    this.#timers = timers
    this.#buggify = buggify
  }

  /** At `revision`, 0 for the latest. Rejects with `COMPACTED`, `FUTURE_REVISION`, `TOO_MANY_REQUESTS`. */
  async count(range: KeyRange, revision: Revision, identity: Identity, limits: CallLimits): Promise<Statistics> {
    if (this.#waiting.size >= LIMITS.talliesMax) {
      throw new StoreError('TOO_MANY_REQUESTS', `${this.#waiting.size} calls count keys on this member, the limit`)
    }
    const pending = this.#deadlines.wait<Statistics>(limits, (code, cause) => {
      const why = code === 'TIMEOUT' ? 'The keys were not counted before the deadline.' : 'The call was aborted.'
      return new StoreError(code, why, { cause })
    })
    this.#waiting.add(pending)
    this.#count(range, revision, identity, pending).catch((error: Error) => {
      pending.reject(error)
    })
    try {
      return await pending.promise
    } finally {
      this.#waiting.delete(pending)
    }
  }

  rejectAll(code: EndCode, why: string, cause?: unknown): void {
    for (const pending of this.#waiting) pending.reject(new StoreError(code, why, { cause }))
  }

  async #count(range: KeyRange, wanted: Revision, identity: Identity, pending: Pending<Statistics>): Promise<void> {
    const { store } = this.#machine
    this.#machine.authorize(identity, { type: 'range', ...range })
    const revision = store.readableRevision(wanted)
    const release = store.holdSweep()
    try {
      const tally = { keys: 0, bytes: 0 }
      let rest: KeyRange | undefined = range
      while (!pending.settled) {
        rest = store.tally(rest, revision, this.#buggify('slice-of-one') ? 1 : HISTORIES_PER_SLICE, tally)
        if (rest === undefined) return pending.resolve({ ...tally, revision })
        await new Promise<void>((resolve) => {
          this.#timers.soon(resolve)
        })
      }
    } finally {
      release()
    }
  }
}

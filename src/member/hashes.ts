/**
 * Hashes what this member holds, for a comparison with another one: reads all records there are, a slice at a time.
 *
 * Always: one at a time, and in memory is never more than a piece of it. The sweep is held meanwhile.
 */
import { describeDigest } from '../base/checksum.js'
import type { Timers } from '../base/clock.js'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import { prefixEnd } from '../base/bytes.js'
import { RECORD_PREFIX } from '../mvcc/record.js'
import type { MvccStore } from '../mvcc/store.js'
import type { Revision } from '../mvcc/types.js'
import type { StateStore } from '../storage/state-store.js'
import type { CallLimits, Deadlines, Pending } from './deadlines.js'
import type { EndCode } from './lifetime.js'
import { ScrubTally } from './scrub-tally.js'
import { Slices } from './slices.js'
import type { StateRepair } from './state-repair.js'
import type { Telemeter } from './telemeter.js'

export interface Hashed {
  /** 16 hex digits. */
  readonly hash: string
  readonly revision: Revision
  readonly compactRevision: Revision
}

export interface HashesParts {
  readonly machine: { readonly store: MvccStore }
  readonly storage: { readonly state: StateStore }
  readonly timers: Timers
  readonly deadlines: Deadlines
  /** Default: nothing is ever damaged. */
  readonly repair?: Pick<StateRepair, 'reading'> | undefined
  readonly telemeter?: Telemeter | undefined
  /** Called when a sweep that was held may go on. */
  readonly wake: () => void
}

export class Hashes {
  readonly #parts: HashesParts
  readonly #waiting = new Set<Pending<Hashed>>()
  /** Ends when those before have. */
  #last: Promise<void> = Promise.resolve()

  constructor(parts: HashesParts) {
    this.#parts = parts
  }

  /** Rejects with `COMPACTED`, `FUTURE_REVISION`, `TOO_MANY_REQUESTS`. */
  hash(revision: Revision, limits: CallLimits): Promise<Hashed> {
    if (this.#waiting.size >= LIMITS.hashesWaitingMax) {
      throw new StoreError(
        'TOO_MANY_REQUESTS',
        `${this.#waiting.size} hashes are asked for already, which is the limit.`,
      )
    }
    const pending = this.#parts.deadlines.wait<Hashed>(limits, (code, cause) => {
      const why = code === 'TIMEOUT' ? 'Not everything was read before the deadline.' : 'The hash was aborted.'
      return new StoreError(code, why, { cause })
    })
    if (pending.settled) return pending.promise
    this.#waiting.add(pending)
    this.#last = this.#last.then(() => this.#run(revision, pending))
    return pending.promise
  }

  rejectAll(code: EndCode, why: string, cause?: unknown): void {
    for (const pending of this.#waiting) pending.reject(new StoreError(code, why, { cause }))
    this.#waiting.clear()
  }

  /** Never rejects. */
  async #run(revision: Revision, pending: Pending<Hashed>): Promise<void> {
    const { repair } = this.#parts
    const hash = (): Promise<void> => this.#hold(revision, pending)
    try {
      await (repair === undefined ? hash() : repair.reading(hash, pending))
    } catch (error) {
      pending.reject(error as Error)
    } finally {
      this.#waiting.delete(pending)
    }
  }

  async #hold(revision: Revision, pending: Pending<Hashed>): Promise<void> {
    const { machine, wake } = this.#parts
    const { store } = machine
    const release = store.holdSweep()
    try {
      if (!pending.settled) await this.#hash(revision, pending)
    } finally {
      release()
      if (store.sweeping) wake()
    }
  }

  async #hash(revision: Revision, pending: Pending<Hashed>): Promise<void> {
    const { machine, storage, telemeter } = this.#parts
    const begunMs = telemeter?.nowMs() ?? 0
    const hash = machine.store.historyHash(revision)
    // A record that is missing would make the hash another one, and nobody would know why.
    const tally = new ScrubTally(machine.store.historyDigest)
    const slices = new Slices(this.#parts)
    for await (const chunk of storage.state.iterate(RECORD_PREFIX, prefixEnd(RECORD_PREFIX))) {
      for (const [key, bytes] of chunk) {
        if (pending.settled) return
        checkTally(tally.add(key, bytes))
        hash.add(bytes)
        if (slices.spend(bytes.byteLength)) await slices.turn()
      }
    }
    checkTally(tally.finish())
    telemeter?.tell?.({ type: 'hashed', durationMs: telemeter.nowMs() - begunMs })
    const { compactRevision } = hash
    pending.resolve({ hash: describeDigest(hash.digest), revision: hash.revision, compactRevision })
  }
}

function checkTally(wrong: string | undefined): void {
  if (wrong !== undefined) throw new StoreError('DATA_DAMAGED', `The state on disk is damaged: ${wrong}.`)
}

/**
 * Reads everything that is on disk, now and then and slowly, so that rot is found while others can still mend it: a record
 * that nobody reads rots unseen, and on a second member too, until both are needed.
 *
 *     wait        the interval; the first time a part of it that differs from member to member, so that they do not all
 *                 read at once
 *     state       the view of one moment: the seal of every record, then the sum over all versions against the store's own of
 *                 that moment (scrub-tally.ts)
 *     log         every record against what the log knows of it: checksum, chain, and that none is missing
 *
 * Always: it never holds up the loop: it reads and computes in slices, no faster than the rate, and waits while the state is
 * written. Always: it changes nothing. What it finds goes to `damaged`, whose affair the repair is.
 * A view keeps what is overwritten meanwhile on disk; therefore a pass goes faster than the rate where it would take longer
 * than LIMITS.scrubPassMsMax.
 * What it cannot see: rot of what the databases or the system have in memory, until that is read from the disk again.
 */
import { NEVER, type Buggify } from '../base/buggify.js'
import type { Cancel, Clock, Timers } from '../base/clock.js'
import { mix } from '../base/checksum.js'
import { isStoreError, type StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Logger } from '../base/logger.js'
import type { Machine } from '../machine/machine.js'
import type { NodeId } from '../raft/types.js'
import { damaged, whatIsDamaged } from '../storage/damage.js'
import type { Storage } from '../storage/storage.js'
import type { Observe } from './event.js'
import { ScrubTally } from './scrub-tally.js'
import { Slices } from './slices.js'

/** How often and how fast. */
export interface ScrubSettings {
  /** Milliseconds from the end of one pass to the beginning of the next; Infinity: never. */
  readonly intervalMs: number
  readonly bytesPerSecondMax: number
}

/** As the store tells it: api/scrub-status.ts. */
export interface ScrubStatus {
  readonly passes: number
  readonly last: ScrubPass | undefined
  readonly running: Pick<ScrubPass, 'records' | 'bytes'> | undefined
  readonly damage: string | undefined
}

export interface ScrubPass {
  readonly endedAtMs: number
  readonly tookMs: number
  readonly records: number
  readonly bytes: number
}

export interface ScrubberParts {
  readonly storage: Storage
  readonly machine: Machine
  readonly clock: Clock
  readonly timers: Timers
  /** Of this member: when its first pass begins. */
  readonly memberId: NodeId
  readonly logger: Logger
  /** Told of every damage that is found. */
  readonly damaged: (error: StoreError) => void
  /** Of a bug of ours. */
  readonly failed: (error: unknown) => void
  readonly observe?: Observe | undefined
  readonly buggify?: Buggify
}

/** To wait for less than this would cost more than it holds back. */
const PAUSE_MS_MIN = 10
/** How long to wait before looking again whether the state is still written. */
const BUSY_MS = 50
/** As often as a simulation can do with. */
const OFTEN: ScrubSettings = { intervalMs: 10_000, bytesPerSecondMax: Infinity }

export class Scrubber {
  readonly #parts: ScrubberParts
  readonly #settings: ScrubSettings
  #stopped = false
  #cancel: Cancel | undefined
  #passes = 0
  #last: ScrubPass | undefined
  #running: ScrubTally | undefined
  #damage: string | undefined

  constructor(parts: ScrubberParts, settings: ScrubSettings) {
    const { buggify = NEVER } = parts
    this.#parts = parts
    this.#settings = buggify('scrub-often') ? OFTEN : settings
  }

  get status(): ScrubStatus {
    const running = this.#running && { records: this.#running.records, bytes: this.#running.bytes }
    return { passes: this.#passes, last: this.#last, running, damage: this.#damage }
  }

  start(): void {
    const { intervalMs } = this.#settings
    // Everything was looked at when the member was opened. The generator is not asked: it would draw other elections then.
    const part = (mix(this.#parts.memberId) >>> 0) / 2 ** 32
    if (intervalMs < Infinity) this.#schedule(intervalMs * part)
  }

  /** Nothing of it runs after this, but a read that the disk has not answered. */
  stop(): void {
    this.#stopped = true
    this.#cancel?.()
  }

  #schedule(delayMs: number): void {
    this.#cancel = this.#parts.timers.after(delayMs, () => {
      this.#pass().then(
        () => {
          if (!this.#stopped) this.#schedule(this.#settings.intervalMs)
        },
        (error: unknown) => {
          this.#parts.failed(error)
        },
      )
    })
  }

  async #pass(): Promise<void> {
    const { clock, storage, machine, observe, logger } = this.#parts
    const beganMs = clock.monotonicMs()
    const { state } = storage
    const { store } = machine
    try {
      const tally = await this.#readThrough()
      if (this.#stopped || tally === undefined) return
      this.#damage = undefined
      this.#passes++
      const { records, bytes } = tally
      const tookMs = clock.monotonicMs() - beganMs
      this.#last = { endedAtMs: clock.wallMs(), tookMs, records, bytes }
      observe?.({ type: 'scrubbed', records, bytes })
    } catch (error) {
      if (!isStoreError(error)) throw error
      // The state was replaced, or everything is closed, while it was read: nothing can be said of it.
      if (this.#stopped || storage.state !== state || machine.store !== store) return
      if (error.code === 'DATA_DAMAGED') this.#found(error)
      else logger.warn('reading through what is on disk failed and is tried again later', { reason: error.message })
    } finally {
      this.#running = undefined
    }
  }

  #found(error: StoreError): void {
    const { observe, logger, damaged: tell } = this.#parts
    const reason = whatIsDamaged(error)
    this.#damage = reason
    logger.error('reading through what is on disk found damage', { reason })
    observe?.({ type: 'damage-found', error })
    tell(error)
  }

  /** Undefined where it was stopped on the way. Throws `DATA_DAMAGED` at the first damage. */
  async #readThrough(): Promise<ScrubTally | undefined> {
    const { machine, storage, clock } = this.#parts
    const { state, location, log } = storage
    // In one step, so that the sum and the view are of one moment.
    const tally = new ScrubTally(machine.store.historyDigest)
    const view = state.iterateAll()
    this.#running = tally
    const rate = this.#rateOf(machine.bytesInUse)
    const beganMs = clock.monotonicMs()
    const keepPace = (): Promise<void> => this.#keepPace(beganMs + (tally.bytes / rate) * 1000)
    const slices = new Slices(this.#parts)
    for await (const pairs of view) {
      for (const [key, record] of pairs) {
        const wrong = tally.add(key, record)
        if (wrong !== undefined) throw damaged(location, wrong)
        if (slices.spend(record.byteLength)) await slices.turn()
      }
      await keepPace()
      if (this.#stopped) return undefined
    }
    const wrong = tally.finish()
    if (wrong !== undefined) throw damaged(location, wrong)
    for await (const { records, bytes } of log.review()) {
      tally.count(records, bytes)
      if (slices.spend(bytes)) await slices.turn()
      await keepPace()
      if (this.#stopped) return undefined
    }
    return tally
  }

  #rateOf(bytes: number): number {
    return Math.max(this.#settings.bytesPerSecondMax, (bytes / LIMITS.scrubPassMsMax) * 1000)
  }

  /** Waits until `untilMs`, and while the state is written, which matters more. */
  async #keepPace(untilMs: number): Promise<void> {
    const { clock, storage } = this.#parts
    const aheadMs = untilMs - clock.monotonicMs()
    if (aheadMs >= PAUSE_MS_MIN) await this.#pause(aheadMs)
    while (storage.state.committing && !this.#stopped) await this.#pause(BUSY_MS)
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#parts.timers.after(ms, resolve)
      this.#cancel = () => {
        cancel()
        resolve()
      }
    })
  }
}

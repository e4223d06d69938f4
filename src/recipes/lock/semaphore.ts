/**
 * At most so many at a time, fair: who came first is served first.
 *
 * What a permit promises is bounded by what a lease can promise (session.ts); hold.ts says what closes the gap.
 */
import { checkFields, type Fields } from '../../api/check-fields.js'
import type { CallOptions, Store } from '../../api/store.js'
import { Contender, CONTENDER_FIELDS, type ContenderOptions, type LockOptions } from './contender.js'
import { listLine, type Contestant } from './contestant.js'
import { Hold } from './hold.js'
import { atMost, type Rule } from './obstacle.js'
import { withHold } from './with-hold.js'
import { checkName } from '../name.js'

export interface SemaphoreOptions extends ContenderOptions {
  /** How many may hold one at the same time: a whole number from 1 on, the same for all who use the name. */
  readonly permits: number
}

const SEMAPHORE_FIELDS: Fields<SemaphoreOptions> = { permits: true, ...CONTENDER_FIELDS }

/** One of the permits of a semaphore. */
export class Permit extends Hold {
  /**
   * Aborts the signal and lets the next one in. Idempotent. When it rejects, calling again tries again, and the permit ends
   * at the latest with its lease: within the TTL, or where the session was given, when that ends.
   */
  override release(): Promise<void> {
    return super.release()
  }
}

/**
 * A name that so many at a time can hold. One object serves any number of tasks: each call of it takes a permit of its own.
 * A task that holds one and asks for another may wait for itself, once there are no more.
 *
 * @example
 * const exports = new Semaphore(store, 'exports', { permits: 3, session })
 * await exports.withPermit((permit) => exportAll({ signal: permit.signal }), { timeoutMs: 30_000 })
 */
export class Semaphore {
  readonly #store: Store
  readonly #name: string
  readonly #options: ContenderOptions
  readonly #rule: Rule

  constructor(store: Store, name: string, options: SemaphoreOptions) {
    checkName(name)
    if (options === undefined) throw new TypeError('new Semaphore() takes { permits }: how many at a time')
    checkFields(options, SEMAPHORE_FIELDS, 'new Semaphore()')
    const { permits, ...rest } = options
    this.#store = store
    this.#name = name
    this.#options = rest
    this.#rule = atMost(checkPermits(permits))
    // For what is wrong with the options: now, and not with the first call.
    this.#contender()
  }

  /**
   * Waits until fewer than `permits` of those who came before are there. Rejects with `ABORTED` or `TIMEOUT` when waiting is
   * given up, `LOCK_LOST` when the place in the line was lost, and with what the store rejects with. Its place in the line
   * is given up then.
   */
  acquire(options: LockOptions = {}): Promise<Permit> {
    return this.#contender().contend({ what: 'acquire()', rule: this.#rule }, options)
  }

  /** A permit if one is free, else undefined, without waiting for anybody. Rejects like {@link acquire}. */
  tryAcquire(options: LockOptions = {}): Promise<Permit | undefined> {
    return this.#contender().tryOnce({ what: 'tryAcquire()', rule: this.#rule }, options)
  }

  /**
   * Runs `work` with a permit, and gives it back. Resolves with what `work` does only if the permit was held until then;
   * rejects with `LOCK_LOST` when it was not, or with the error of `work`.
   */
  async withPermit<Result>(
    work: (permit: Permit) => Promise<Result> | Result,
    options: LockOptions = {},
  ): Promise<Result> {
    return withHold(this.#store, 'withPermit()', work, () => this.acquire(options))
  }

  /** Who holds a permit and who waits for one, in order; counted by the `permits` of this object. */
  line(options: CallOptions = {}): Promise<readonly Contestant[]> {
    return listLine(
      this.#store,
      this.#name,
      options,
      () => this.#rule,
      (contestant) => contestant,
    )
  }

  #contender(): Contender<Permit> {
    return new Contender(this.#store, this.#name, this.#options, (place, revision) => new Permit(place, revision))
  }
}

/** Throws TypeError or RangeError. */
function checkPermits(permits: number): number {
  if (typeof permits !== 'number') throw new TypeError(`permits must be a number, not ${typeof permits}`)
  if (Number.isSafeInteger(permits) && permits >= 1) return permits
  throw new RangeError(`permits must be a whole number from 1 on, not ${permits}`)
}

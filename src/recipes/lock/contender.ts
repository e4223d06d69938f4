/**
 * One who contends for a name: from the wish to hold it until nobody stands in the way.
 *
 * Always: one object contends once at a time. A second try through the same object could only wait for the first, which
 * is for ever where the first waits for the second to return.
 */
import { CALL_FIELDS } from '../../api/check-call.js'
import { checkFields, kind, type Fields } from '../../api/check-fields.js'
import type { Revision } from '../../api/operations.js'
import type { Store } from '../../api/store.js'
import type { BytesLike } from '../../base/bytes.js'
import { StoreError } from '../../base/errors.js'
import { quote } from '../../base/quote.js'
import type { Hold } from './hold.js'
import { tracedHold } from './hold-span.js'
import { readLine } from './line.js'
import type { Rule } from './obstacle.js'
import { checkStore } from '../check-store.js'
import { Patience, type WaitOptions } from '../patience.js'
import { Place, type PlaceOptions } from './place.js'
import { checkSession, checkTtl, type Session } from '../session/session.js'
import { checkName } from '../name.js'

/** What all that is contended for takes when it is made. */
export interface ContenderOptions {
  /**
   * Contend on the lease of this session instead of one of its own for each hold: cheaper for many locks, and all of them
   * are lost together. Closing the session gives all of them back. Default: a session of its own each time.
   */
  readonly session?: Session | undefined
}

export const CONTENDER_FIELDS: Fields<ContenderOptions> = { session: true }

export interface ContendOptions extends WaitOptions {
  /**
   * Milliseconds after which others take over when this process dies; default 10 000. The store may grant more: whole
   * seconds, at least one and a half election timeouts. Without a confirmed renewal the signal aborts after four fifths.
   * Not with a `session`, which has its own.
   */
  readonly ttlMs?: number | undefined
}

export interface LockOptions extends ContendOptions {
  /** Who contends, for the eyes of operators: `line()` shows it. Default: the name of the store's member. */
  readonly owner?: string | undefined
}

const CONTEND_FIELDS: Fields<ContendOptions> = { ttlMs: true, ...CALL_FIELDS }
const LOCK_FIELDS: Fields<LockOptions> = { owner: true, ...CONTEND_FIELDS }
const TTL_MS = 10_000

/** What is contended for, and as whom. */
export interface Wish {
  /** What was called, for what is wrong with the options. */
  readonly what: string
  /** Of the key: what others see of who contends. Without it the options say who that is. */
  readonly value?: BytesLike | undefined
  readonly rule: Rule
  readonly mark?: string | undefined
  /** As what it is told to whoever traces it. Default `lock`. */
  readonly span?: 'lock' | 'election' | undefined
  /** What a place takes to hold, and the revision since when it does. Default: that nobody stands in the way. */
  readonly reach?: ((place: Place, patience: Patience) => Promise<Revision>) | undefined
}

async function reachFront(place: Place, patience: Patience): Promise<Revision> {
  return (await place.reachFront(patience)).revision
}

export class Contender<Held extends Hold> {
  readonly #store: Store
  readonly #name: string
  readonly #session: Session | undefined
  readonly #hold: (place: Place, revision: Revision) => Held
  /** Its name stays, and a status is made of much more: it is asked for once. */
  #member: string | undefined
  #contending = false
  #held: Held | undefined

  constructor(
    store: Store,
    name: string,
    { session }: ContenderOptions,
    hold: (place: Place, revision: Revision) => Held,
  ) {
    checkStore(store)
    checkName(name)
    this.#store = store
    this.#name = name
    this.#session = checkSession(session, store)
    this.#hold = hold
  }

  /** Waits until nobody stands in the way. Rejects with `LOCK_BUSY` when this object contends or holds already. */
  contend(wish: Wish, options: LockOptions): Promise<Held> {
    return this.#once(wish, options, async (patience) => {
      const place = await Place.take(this.#store, this.#place(wish, options), patience)
      const reach = wish.reach ?? reachFront
      return this.#orAbandon(place, async () => this.#hold(place, await reach(place, patience)))
    })
  }

  /** If nobody stands in the way now, else undefined. */
  tryOnce(wish: Wish, options: LockOptions): Promise<Held | undefined> {
    return this.#once(wish, options, async (patience) => {
      patience.tryOnce()
      // Asked first: it spares the busy the grant and the end of a lease, and those in the line a place that comes and goes.
      const { contenders } = await patience.insist((signal) => readLine(this.#store, this.#name, { signal }))
      if (wish.rule(contenders, contenders.length) !== undefined) return undefined
      const place = await Place.take(this.#store, this.#place(wish, options), patience)
      return this.#orAbandon(place, async () => {
        const revision = await place.isFront(patience)
        if (revision !== undefined) return this.#hold(place, revision)
        place.abandon()
        return undefined
      })
    })
  }

  get busy(): boolean {
    return this.#contending || this.#held?.signal.aborted === false
  }

  async #once<Result extends Held | undefined>(
    wish: Wish,
    options: LockOptions,
    contend: (patience: Patience) => Promise<Result>,
  ): Promise<Result> {
    this.#check(wish, options)
    if (this.busy) {
      const { what } = wish
      const taken = this.#contending ? 'waits in the line already' : 'is held already'
      throw new StoreError(
        'LOCK_BUSY',
        `${quote(this.#name)} ${taken} through this object, and ${what} would wait for itself: ` +
          'pass on what is held, or make another object for another task',
      )
    }
    const patience = new Patience(this.#store.environment, options)
    this.#contending = true
    try {
      const channel = this.#store.environment.spans?.[wish.span ?? 'lock']
      const held = await tracedHold(channel, this.#name, () => contend(patience))
      this.#held = held
      return held
    } finally {
      patience.end()
      this.#contending = false
    }
  }

  #check({ what, value }: Wish, options: LockOptions): void {
    checkFields(options, value === undefined ? LOCK_FIELDS : CONTEND_FIELDS, what)
    const { ttlMs, owner } = options
    if (owner !== undefined && typeof owner !== 'string') throw new TypeError(`owner must be text, not ${kind(owner)}`)
    if (ttlMs === undefined) return
    checkTtl(ttlMs)
    if (this.#session === undefined) return
    throw new TypeError(`${what} takes no ttlMs here: the session that was given has one, of ${this.#session.ttlMs} ms`)
  }

  /** Whoever gives up waiting is told at once; the end of its place is on its way by then. */
  async #orAbandon<Result>(place: Place, wait: () => Promise<Result>): Promise<Result> {
    try {
      return await wait()
    } catch (error) {
      place.abandon()
      throw error
    }
  }

  #place({ rule, mark, reach, value: given }: Wish, { ttlMs = TTL_MS, owner }: LockOptions): PlaceOptions {
    const value = given ?? owner ?? (this.#member ??= this.#store.status().name)
    return { name: this.#name, value, rule, mark, moves: reach !== undefined, session: this.#session ?? { ttlMs } }
  }
}

/**
 * One who contends for a name: from the wish to hold it to the front of the line.
 *
 * Always: one object contends once at a time. A second try through the same object could only wait for the first, which
 * is for ever where the first waits for the second to return.
 */
import { CALL_FIELDS } from '../api/check-call.js'
import { checkFields, type Fields } from '../api/check-fields.js'
import type { Revision } from '../api/operations.js'
import type { Store } from '../api/store.js'
import type { BytesLike } from '../base/bytes.js'
import { StoreError } from '../base/errors.js'
import { quote } from '../base/quote.js'
import { checkName } from './check-name.js'
import type { Hold } from './hold.js'
import { readLine } from './line.js'
import { Patience, type WaitOptions } from './patience.js'
import { Place, type PlaceOptions } from './place.js'
import { checkTtl } from './session.js'

export interface ContendOptions extends WaitOptions {
  /**
   * Milliseconds after which others take over when this process dies; default 10 000. The store may grant more: whole
   * seconds, at least one and a half election timeouts. Without a confirmed renewal the signal aborts after four fifths.
   */
  readonly ttlMs?: number | undefined
}

const CONTEND_FIELDS: Fields<ContendOptions> = { ttlMs: true, ...CALL_FIELDS }
const TTL_MS = 10_000

export class Contender<Held extends Hold> {
  readonly #store: Store
  readonly #name: string
  readonly #hold: (place: Place, revision: Revision) => Held
  #contending = false
  #held: Held | undefined

  constructor(store: Store, name: string, hold: (place: Place, revision: Revision) => Held) {
    checkName(name)
    this.#store = store
    this.#name = name
    this.#hold = hold
  }

  /**
   * Waits for the front of the line. Rejects with `LOCK_BUSY` when this object contends or holds already.
   *
   * @param what was called, for what is wrong with the options.
   */
  contend(what: string, value: BytesLike, options: ContendOptions): Promise<Held> {
    return this.#once(what, options, async (patience) => {
      const place = await Place.take(this.#store, this.#place(value, options), patience)
      return this.#orAbandon(place, async () => this.#hold(place, await place.reachFront(patience)))
    })
  }

  /** The front of the line if nobody else is there, else undefined. */
  tryOnce(what: string, value: BytesLike, options: ContendOptions): Promise<Held | undefined> {
    return this.#once(what, options, async (patience) => {
      // Asked first: it spares the busy the grant and the end of a lease, and those in the line a place that comes and goes.
      const { contenders } = await patience.insist((signal) => readLine(this.#store, this.#name, { signal }))
      if (contenders.length > 0) return undefined
      const place = await Place.take(this.#store, this.#place(value, options), patience)
      return this.#orAbandon(place, async () => {
        const revision = await place.isFront(patience)
        if (revision !== undefined) return this.#hold(place, revision)
        place.session.abandon()
        return undefined
      })
    })
  }

  get busy(): boolean {
    return this.#contending || this.#held?.signal.aborted === false
  }

  async #once<Result extends Held | undefined>(
    what: string,
    options: ContendOptions,
    contend: (patience: Patience) => Promise<Result>,
  ): Promise<Result> {
    checkFields(options, CONTEND_FIELDS, what)
    if (options.ttlMs !== undefined) checkTtl(options.ttlMs)
    if (this.busy) {
      throw new StoreError('LOCK_BUSY', `${quote(this.#name)} is taken through this object: it would wait for itself`)
    }
    const patience = new Patience(this.#store.environment, options)
    this.#contending = true
    try {
      const held = await contend(patience)
      this.#held = held
      return held
    } finally {
      patience.end()
      this.#contending = false
    }
  }

  /** Whoever gives up waiting is told at once; the end of its lease is on its way by then. */
  async #orAbandon<Result>(place: Place, wait: () => Promise<Result>): Promise<Result> {
    try {
      return await wait()
    } catch (error) {
      place.session.abandon()
      throw error
    }
  }

  #place(value: BytesLike, options: ContendOptions): PlaceOptions {
    return { name: this.#name, value, ttlMs: options.ttlMs ?? TTL_MS, timeoutMs: options.timeoutMs }
  }
}

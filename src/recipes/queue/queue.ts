/**
 * A queue of work: first in, first out, for any number of producers and consumers.
 *
 * Always: an item is added once at most, however often it was tried, and leaves the queue only with the transaction of the
 * one who has claimed it. Between the two it is handed out until somebody has done it: at least once for what that does
 * outside of the store, exactly once for what it writes with `complete()`.
 * Not here: how consumers find and claim items (queue-consumer.ts), what one does with an item (queue-item.ts).
 */
import { CALL_FIELDS, checkSignal } from '../../api/check-call.js'
import { checkFields, kind, type Fields } from '../../api/check-fields.js'
import { compare, put } from '../../api/operations.js'
import type { CallOptions, Store } from '../../api/store.js'
import { copyBytes, type BytesLike } from '../../base/bytes.js'
import type { LeaseId } from '../../base/lease-id.js'
import { LIMITS } from '../../base/limits.js'
import { numberOf } from '../stm/counter.js'
import { checkStore } from '../check-store.js'
import { Patience, type WaitOptions } from '../patience.js'
import { Consumer, type ConsumerSession } from './queue-consumer.js'
import type { QueueItem } from './queue-item.js'
import { QueueLayout } from './queue-layout.js'
import { checkSession, checkTtl, type Session } from '../session/session.js'
import { runUntilDone } from '../stm/stm.js'
import type { StmTransaction } from '../stm/stm-transaction.js'
import { checkName } from '../name.js'

export interface QueueAddOptions extends WaitOptions {
  /** While an item with this id is in the queue no other one is added. Default: each one is, and gets an id. */
  readonly id?: string | undefined
}

export interface QueueConsumeOptions {
  /**
   * Milliseconds after which others get the item when this process dies; default 10 000. The store may grant more. Excludes
   * `session`.
   */
  readonly ttlMs?: number | undefined
  /** A session to claim items under, with others that share it. Default: one of its own. */
  readonly session?: Session | undefined
}

export interface QueueTakeOptions extends QueueConsumeOptions, WaitOptions {}

export interface QueueItemsOptions extends QueueConsumeOptions {
  /** Ends the loop without an error, once the item that is being worked on is. */
  readonly signal?: AbortSignal | undefined
}

export interface QueueListOptions extends CallOptions {
  /** At most so many, from the front. Default LIMITS.queueListItems. */
  readonly limit?: number | undefined
}

/** An item, for whoever looks at the queue. */
export interface QueuedItem {
  readonly id: string
  readonly key: string
  /** How often it was claimed so far. */
  readonly deliveries: number
  /** The lease of whoever works on it; undefined when nobody does. */
  readonly claimedBy: LeaseId | undefined
}

const ADD_FIELDS: Fields<QueueAddOptions> = { id: true, ...CALL_FIELDS }
const TAKE_FIELDS: Fields<QueueTakeOptions> = { ttlMs: true, session: true, ...CALL_FIELDS }
const ITEMS_FIELDS: Fields<QueueItemsOptions> = { ttlMs: true, session: true, signal: true }
const LIST_FIELDS: Fields<QueueListOptions> = { limit: true, ...CALL_FIELDS }
const TTL_MS = 10_000

/**
 * A queue under a name. Any number of objects, in any process, may add and take.
 *
 * @example
 * const queue = new Queue(store, 'mails')
 * await queue.add(JSON.stringify(mail))
 * for await (const item of queue.items({ ttlMs: 10_000, signal })) {
 *   await send(item.json(), item.signal)
 *   await item.done()
 * }
 */
export class Queue {
  readonly #store: Store
  readonly #layout: QueueLayout
  /** Of this object, one after the other: they would be in each other's way. */
  #adding: Promise<void> = Promise.resolve()

  constructor(store: Store, name: string) {
    checkStore(store)
    checkName(name)
    this.#store = store
    this.#layout = new QueueLayout(name)
  }

  /**
   * Puts an item at the end, once, whatever becomes of the answers; resolves with its id. Those of one object are added in
   * the order of the calls.
   *
   * Rejects with `ABORTED` or `TIMEOUT` when it was given up, and with what the store rejects with. Where `outcome` is
   * `unknown` it is in the queue, or may be later, or not: with an `id` it can be added again without harm while it is there.
   */
  async add(value: BytesLike, options: QueueAddOptions = {}): Promise<string> {
    checkFields(options, ADD_FIELDS, 'add()')
    const { id, ...wait } = options
    if (id !== undefined && (typeof id !== 'string' || id === '')) {
      throw new TypeError('id must be a string of at least one character')
    }
    const bytes = copyBytes(value, 'value')
    const patience = new Patience(this.#store.environment, wait)
    const before = this.#adding
    let end = (): void => undefined
    this.#adding = new Promise((resolve) => (end = resolve))
    try {
      patience.signal.throwIfAborted()
      await patience.within(before)
      for (;;) {
        const added = await this.#addBehindTail(bytes, id, patience)
        if (added !== undefined) return added
        await patience.insist((signal) => this.#makeTail(signal))
      }
    } finally {
      patience.end()
      // Not before the one in front: who comes later than this one would pass that by.
      void before.then(end)
    }
  }

  /**
   * Waits for an item and claims it. It is this process's until it is done, released, or its lease ends.
   *
   * Rejects with `ABORTED` or `TIMEOUT` when waiting is given up, with `LOCK_LOST` when the `session` that was given is
   * over, and with what the store rejects with.
   *
   * @example
   * const item = await queue.take({ timeoutMs: 60_000 })
   */
  take(options: QueueTakeOptions = {}): Promise<QueueItem> {
    return this.#consume('take()', options, (consumer, patience) => consumer.take(patience))
  }

  /** An item if there is one that nobody works on, else undefined, without waiting for any. Rejects like {@link take}. */
  tryTake(options: QueueTakeOptions = {}): Promise<QueueItem | undefined> {
    return this.#consume('tryTake()', options, (consumer, patience) => consumer.tryTake(patience))
  }

  /**
   * Takes one item after the other, each when the loop asks for it, under one lease that is kept while the loop runs. What
   * was not done when the loop ends goes back. Where a lease is lost, by a pause of this process, say, the loop goes on with
   * another one; the item that was being worked on says so by its signal.
   *
   * Waits while the store has no quorum or no space. Ends without an error when `signal` is aborted; throws when the store is closed,
   * and `LOCK_LOST` when the `session` that was given is over.
   */
  items(options: QueueItemsOptions = {}): AsyncIterable<QueueItem> {
    checkFields(options, ITEMS_FIELDS, 'items()')
    checkSignal(options.signal)
    return this.#items(new Consumer(this.#store, this.#layout, this.#sessionOf(options, false)), options.signal)
  }

  /** How many items are in the queue, those that are being worked on included. Linearizable. */
  async length(options: CallOptions = {}): Promise<number> {
    checkFields(options, CALL_FIELDS, 'length()')
    const { count } = await this.#store.range({ prefix: this.#layout.items }, { ...options, countOnly: true })
    return count
  }

  /** The items at the front, and who works on them. Linearizable. */
  async list(options: QueueListOptions = {}): Promise<readonly QueuedItem[]> {
    checkFields(options, LIST_FIELDS, 'list()')
    const { limit = LIMITS.queueListItems, ...call } = options
    checkLimit(limit)
    const { claims, items } = this.#layout
    const queued = await this.#store.range({ prefix: items }, { ...call, keysOnly: true, limit })
    const claimed = await this.#store.range({ prefix: claims }, { ...call, revision: queued.revision })
    const leases = new Map(claimed.items.map(({ key, lease }) => [this.#layout.placeOf(key), lease]))
    return queued.items.map(({ key, version }) => ({
      id: this.#layout.idOf(key),
      key,
      deliveries: version - 1,
      claimedBy: leases.get(this.#layout.placeOf(key)),
    }))
  }

  /** Undefined: there is no tail yet. What is only written is new, with a place that the tail has given. */
  #addBehindTail(value: Uint8Array, id: string | undefined, patience: Patience): Promise<string | undefined> {
    const { tail, mark } = this.#layout
    const work = async (transaction: StmTransaction): Promise<string | undefined> => {
      const last = await transaction.get(tail)
      if (last === undefined) return undefined
      if (id !== undefined && (await transaction.get(this.#layout.name(id))) !== undefined) return id
      const place = numberOf(last) + 1
      const key = this.#layout.item(place, id)
      transaction.put(tail, String(place))
      transaction.put(key, value)
      if (id !== undefined) transaction.put(this.#layout.name(id), String(place))
      return this.#layout.idOf(key)
    }
    return runUntilDone(this.#store, work, { mark, tries: Infinity, isolation: 'serializable' }, patience)
  }

  /** By itself, and not together with the first item: it may come late, and then adds nothing. */
  async #makeTail(signal: AbortSignal): Promise<void> {
    const { tail } = this.#layout
    await this.#store.txn({ compare: [compare(tail).missing()], success: [put(tail, '0')] }, { signal })
  }

  async #consume<Taken extends QueueItem | undefined>(
    what: string,
    options: QueueTakeOptions,
    take: (consumer: Consumer, patience: Patience) => Promise<Taken>,
  ): Promise<Taken> {
    checkFields(options, TAKE_FIELDS, what)
    const consumer = new Consumer(this.#store, this.#layout, this.#sessionOf(options, true))
    const { signal, timeoutMs } = options
    const patience = new Patience(this.#store.environment, { signal, timeoutMs })
    consumer.endsWithSession(patience)
    let taken: Taken | undefined
    try {
      taken = await take(consumer, patience)
      return taken
    } finally {
      patience.end()
      if (taken === undefined) void consumer.close()
    }
  }

  async *#items(consumer: Consumer, signal: AbortSignal | undefined): AsyncGenerator<QueueItem, void, undefined> {
    const patience = new Patience(this.#store.environment, { signal })
    consumer.endsWithSession(patience)
    try {
      for (;;) yield await patience.insistThroughout('a queue is held up', () => consumer.take(patience))
    } catch (error) {
      if (signal?.aborted !== true) throw error
    } finally {
      patience.end()
      await consumer.close()
    }
  }

  #sessionOf({ ttlMs, session }: QueueConsumeOptions, perItem: boolean): ConsumerSession {
    if (ttlMs !== undefined) checkTtl(ttlMs)
    if (session === undefined) return { type: 'own', ttlMs: ttlMs ?? TTL_MS, perItem }
    if (ttlMs !== undefined) throw new TypeError('ttlMs and session exclude each other: the session has a TTL already')
    checkSession(session, this.#store)
    return { type: 'shared', session }
  }
}

/** Throws TypeError or RangeError. */
function checkLimit(limit: number): void {
  if (typeof limit !== 'number') throw new TypeError(`limit must be a number, not ${kind(limit)}`)
  if (!Number.isSafeInteger(limit) || limit < 0)
    throw new RangeError(`limit must be a whole number from 0 on, not ${limit}`)
}

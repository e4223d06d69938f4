/**
 * One who takes items: finds a free one, claims it under a lease, waits where there is none.
 *
 * Always: whoever claims changes the item as well as putting the claim. So a claim compares the version of the item that it
 * saw: of several tries one takes effect at most, and none after somebody else has had the item. The obvious claim, a key
 * that is put if it is missing, can come late, when the next consumer has given the item back: then it blocks the item for
 * as long as the session of one lives who knows nothing of it.
 * Always: the first free item is tried first. Only who loses it to somebody else takes one of those behind it, by chance: were
 * that the next one, all who lost would meet there again, and each item would cost a transaction of every consumer.
 *
 * Always: who holds an item is known by its claim. The item itself may be written again by one who gives up a claim that it could
 * not have: that must take nothing from the holder.
 *
 * Why no line of consumers: whoever waits there can be slow or stopped, and the item in front of it would wait with it, for
 * as long as its lease lives. So all who wait try to claim a new item, and all but one have made one transaction in vain.
 */
import { get, put, compare, del, txn, type Revision, type Transaction } from '../../api/operations.js'
import type { KeyValue } from '../../api/key-value.js'
import type { Store } from '../../api/store.js'
import { keyOf } from '../../base/bytes.js'
import type { Cancel } from '../../base/clock.js'
import { isStoreError } from '../../base/errors.js'
import { below, randomId } from '../../base/random.js'
import { commitOnce, type Commit } from '../stm/commit-once.js'
import { OPERATORS_MS, Patience, RETRY_MS } from '../patience.js'
import { QueueItem } from './queue-item.js'
import type { QueueLayout } from './queue-layout.js'
import { freedBy, lookForFree, type Candidate } from './queue-look.js'
import { openSession, type Session } from '../session/session.js'
import { endedByItself } from '../ended-by-itself.js'
import { isForgotten } from '../failures.js'

/** Whose lease the claims hang on. */
export type ConsumerSession =
  /** Of the caller's: it is not ended here. */
  | { readonly type: 'shared'; readonly session: Session }
  /** Opened with the first claim; `perItem`: and ended with it. */
  | { readonly type: 'own'; readonly ttlMs: number; readonly perItem: boolean }

/** Milliseconds for which who leaves a loop waits until what it had is back in the queue. */
const GOES_BACK_MS = 1_000

export class Consumer {
  readonly #store: Store
  readonly #layout: QueueLayout
  readonly #whose: ConsumerSession
  /** Taken and not over yet, by their tokens. */
  readonly #taken = new Map<Revision, QueueItem>()
  #own: Session | undefined

  constructor(store: Store, layout: QueueLayout, whose: ConsumerSession) {
    this.#store = store
    this.#layout = layout
    this.#whose = whose
  }

  /** The first free item; undefined where there is none. */
  async tryTake(patience: Patience): Promise<QueueItem | undefined> {
    patience.tryOnce()
    for (;;) {
      const { free } = await this.#look(patience)
      if (free.length === 0) return undefined
      const item = await this.#claimOne(free, patience)
      if (item !== undefined) return item
    }
  }

  /** Waits for one. */
  async take(patience: Patience): Promise<QueueItem> {
    for (;;) {
      const { free, revision } = await this.#look(patience)
      const item = free.length > 0 ? await this.#claimOne(free, patience) : await this.#waitForOne(revision, patience)
      if (item !== undefined) return item
    }
  }

  /** Waiting is over when the session is that was given. */
  endsWithSession(patience: Patience): void {
    if (this.#whose.type === 'shared') patience.endWith(this.#whose.session.signal)
  }

  /**
   * What was taken and is not done goes back; resolves when it has. Never rejects, and waits for a second at most: what cannot be
   * given back by then goes back a little later, or with its lease.
   */
  async close(): Promise<void> {
    const { environment } = this.#store
    const ends =
      this.#whose.type === 'own' ? [this.#own?.close()] : Array.from(this.#taken.values(), (item) => item.release())
    const ended = ends.map(async (end) => {
      await end?.catch((error: unknown) => {
        environment.logger.warn('a claim is left to its lease', { reason: String(error) })
      })
    })
    const patience = new Patience(environment, { timeoutMs: GOES_BACK_MS })
    await patience.within(Promise.all(ended)).catch(() => undefined)
    patience.end()
  }

  #look(patience: Patience): ReturnType<typeof lookForFree> {
    return patience.insist((signal) => lookForFree(this.#store, this.#layout, signal))
  }

  /** Undefined: look again. */
  async #waitForOne(revision: Revision, patience: Patience): Promise<QueueItem | undefined> {
    const { signal } = patience
    let stayed = this.#endWhenIdle()
    try {
      const watch = this.#store.watch(this.#layout.watched, { startRevision: revision + 1, signal })
      for await (const batch of watch.batches()) {
        if (batch.type !== 'events') continue
        stayed()
        const freed = await patience.insist((call) => freedBy(this.#store, this.#layout, batch.events, call))
        const item = await this.#claimOne(freed, patience)
        if (item !== undefined) return item
        stayed = this.#endWhenIdle()
      }
      return await endedByItself(this.#store, this.#layout.watched, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (isForgotten(error)) return undefined
      if (!isStoreError(error) || !error.retryable) throw error
      await patience.pause(RETRY_MS)
      return undefined
    } finally {
      stayed()
    }
  }

  /** A session of its own ends when nothing was claimed under it for a TTL; the returned calls that off. */
  #endWhenIdle(): Cancel {
    const own = this.#own
    if (this.#whose.type !== 'own' || own === undefined || this.#taken.size > 0) return () => undefined
    return this.#store.environment.timers.after(this.#whose.ttlMs, () => {
      this.#own = undefined
      own.abandon()
    })
  }

  /** The first of them, or one of those behind it where somebody else had that. */
  async #claimOne(candidates: readonly Candidate[], patience: Patience): Promise<QueueItem | undefined> {
    const left = [...candidates]
    for (let at = 0; left.length > 0; at = below(this.#store.environment.random, Math.max(1, left.length))) {
      const [candidate] = left.splice(at, 1)
      const item = candidate && (await this.#claim(candidate, patience))
      if (item !== undefined) return item
    }
    return undefined
  }

  /** Undefined: somebody else had it first. */
  async #claim({ key, modRevision }: Candidate, patience: Patience): Promise<QueueItem | undefined> {
    for (;;) {
      const session = await this.#session(patience)
      const id = String(randomId(this.#store.environment.random))
      try {
        const commit = await this.#commit({ key, modRevision }, id, session, patience)
        if (commit.type === 'conflict') return undefined
        const item = await this.#claimed(key, commit, patience)
        if (item !== undefined && !session.signal.aborted) return this.#taking(session, item, commit.revision)
        // The answer was on its way for longer than the lease can be relied upon, or the claim or the item has gone already.
        void this.#giveUp(session, (signal) => this.#store.txn(this.#unclaim(key, id), { signal }))
        return undefined
      } catch (error) {
        if (isStoreError(error, 'LEASE_NOT_FOUND')) {
          session.lose('its lease ended', error)
          continue
        }
        void this.#withdraw({ key, modRevision }, id, session)
        if (!isStoreError(error) || !error.retryable || patience.signal.aborted) throw error
        return undefined
      }
    }
  }

  #commit({ key, modRevision }: Candidate, id: string, session: Session, patience: Patience): Promise<Commit> {
    const claim = this.#layout.claimOf(key)
    const witness = { key: keyOf(key), modRevision }
    return commitOnce(
      this.#store,
      {
        seen: [witness, { key: keyOf(claim), modRevision: 0 }],
        ranges: [],
        snapshot: modRevision,
        writes: [put(key, '', { ignoreValue: true }), put(claim, id, { lease: session.lease }), get(key)],
        witness,
        mark: { key: keyOf(claim), id },
      },
      patience,
    )
  }

  /** The item, if it is still claimed by this commit. */
  async #claimed(
    key: string,
    { revision, results }: Extract<Commit, { type: 'committed' }>,
    patience: Patience,
  ): Promise<KeyValue | undefined> {
    const read = results?.at(-1)
    if (read?.type === 'range') return read.items[0]
    const looks = [get(this.#layout.claimOf(key), { keysOnly: true }), get(key)] as const
    const { results: now } = await patience.insist((signal) => this.#store.txn({ success: looks }, { signal }))
    const [claim, item] = now
    return claim?.items[0]?.modRevision === revision ? item?.items[0] : undefined
  }

  #taking(session: Session, item: KeyValue, token: Revision): QueueItem {
    const ownsSession = this.#whose.type === 'own' && this.#whose.perItem
    const over = (): void => {
      this.#taken.delete(token)
      if (ownsSession) session.abandon()
    }
    const taken = new QueueItem({ store: this.#store, layout: this.#layout, session, ownsSession, item, token, over })
    if (!taken.signal.aborted) this.#taken.set(token, taken)
    return taken
  }

  /** One that stands. */
  async #session(patience: Patience): Promise<Session> {
    if (this.#whose.type === 'shared') {
      const { session } = this.#whose
      session.signal.throwIfAborted()
      return session
    }
    const { ttlMs } = this.#whose
    if (this.#own?.signal.aborted !== false) {
      // What is left of it would only keep others waiting.
      this.#own?.abandon()
      this.#own = await openSession(this.#store, { ttlMs }, patience)
    }
    return this.#own
  }

  /** Of a claim that was given up and may have taken effect, or may yet: makes sure that it does not stand. */
  #withdraw({ key, modRevision }: Candidate, id: string, session: Session): Promise<void> {
    const unchanged = compare(key).modRevision('=', modRevision)
    const change = put(key, '', { ignoreValue: true })
    const unclaim = txn(this.#unclaim(key, id))
    return this.#giveUp(session, async (signal) => {
      try {
        await this.#store.txn({ compare: [unchanged], success: [change], failure: [unclaim] }, { signal })
      } catch (error) {
        // Full, say: what stands already can be deleted, and what may come late must be seen to once there is room.
        if (isStoreError(error) && !error.retryable) await this.#store.txn({ success: [unclaim] }, { signal })
        throw error
      }
    })
  }

  #unclaim(key: string, id: string): Transaction {
    const claim = this.#layout.claimOf(key)
    return { compare: [compare(claim).value('=', id)], success: [del(claim)] }
  }

  /** Tries for as long as the session lives: it is what would keep the claim alive. Never rejects. */
  async #giveUp(session: Session, call: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
    const { environment } = this.#store
    const patience = new Patience(environment, {})
    patience.endWith(session.signal)
    try {
      while (!patience.signal.aborted) {
        try {
          await patience.insist(call)
          return
        } catch (error) {
          environment.logger.debug('a claim is not given up yet', { reason: String(error) })
        }
        await patience.pause(OPERATORS_MS)
      }
    } finally {
      patience.end()
    }
  }
}

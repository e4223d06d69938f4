/**
 * One who takes items: finds a free one, claims it under a lease, waits where there is none.
 *
 * Always: whoever claims changes the item as well as putting the claim. So a claim compares the version of the item that it
 * saw: of several tries one takes effect at most, and none after somebody else has had the item. The obvious claim, a key
 * that is put if it is missing, can come late, when the next consumer has given the item back: then it blocks the item for
 * as long as the session of one lives who knows nothing of it.
 * Always: the first claims of items are in the order of the queue: an item is tried only when all before it were seen to be
 * claimed, or gone.
 *
 * Why no line of consumers: whoever waits there can be slow or stopped, and the item in front of it would wait with it, for
 * as long as its lease lives. So all who wait try to claim a new item, and all but one have made one transaction in vain.
 */
import { get, put, compare, del, txn, type Revision } from '../../api/operations.js'
import type { KeyValue } from '../../api/key-value.js'
import type { Store } from '../../api/store.js'
import { keyOf } from '../../base/bytes.js'
import { isStoreError } from '../../base/errors.js'
import { randomId } from '../../base/random.js'
import { commitOnce, type Commit } from '../stm/commit-once.js'
import { Patience, RETRY_MS } from '../patience.js'
import { QueueItem } from './queue-item.js'
import type { QueueLayout } from './queue-layout.js'
import { freedBy, lookForFree, type Candidate } from './queue-look.js'
import { Session } from '../session/session.js'
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
    try {
      const watch = this.#store.watch(this.#layout.watched, { startRevision: revision + 1, signal })
      for await (const batch of watch.batches()) {
        if (batch.type !== 'events') continue
        const freed = await patience.insist((call) => freedBy(this.#store, this.#layout, batch.events, call))
        const item = await this.#claimOne(freed, patience)
        if (item !== undefined) return item
      }
      return await endedByItself(this.#store, this.#layout.watched, signal)
    } catch (error) {
      signal.throwIfAborted()
      if (isForgotten(error)) return undefined
      if (!isStoreError(error) || !error.retryable) throw error
      await patience.pause(RETRY_MS)
      return undefined
    }
  }

  /** The first of them that can be had. */
  async #claimOne(candidates: readonly Candidate[], patience: Patience): Promise<QueueItem | undefined> {
    for (const candidate of candidates) {
      const item = await this.#claim(candidate, patience)
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
        if (item !== undefined && !session.signal.aborted) return this.#taking(session, item)
        // The answer was on its way for longer than the lease can be relied upon, or the claim has ended already.
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

  /** The item as the claim left it; undefined where that has changed since. */
  async #claimed(
    key: string,
    { revision, results }: Extract<Commit, { type: 'committed' }>,
    patience: Patience,
  ): Promise<KeyValue | undefined> {
    const read = results?.at(-1)
    const found =
      read?.type === 'range' ? read.items[0] : await patience.insist((signal) => this.#store.get(key, { signal }))
    return found?.modRevision === revision ? found : undefined
  }

  #taking(session: Session, item: KeyValue): QueueItem {
    const ownsSession = this.#whose.type === 'own' && this.#whose.perItem
    const token = item.modRevision
    const over = (): void => {
      this.#taken.delete(token)
      if (ownsSession) session.abandon()
    }
    const taken = new QueueItem({ store: this.#store, layout: this.#layout, session, ownsSession, item, over })
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
      this.#own = await patience.insist((signal) => Session.open(this.#store, { ttlMs, signal }))
    }
    return this.#own
  }

  /**
   * Of a claim that was given up and may have taken effect, or may yet: makes sure that it does not stand, for as long as
   * the session would keep it alive.
   */
  async #withdraw({ key, modRevision }: Candidate, id: string, session: Session): Promise<void> {
    const claim = this.#layout.claimOf(key)
    const patience = new Patience(this.#store.environment, {})
    const ours = txn({ compare: [compare(claim).value('=', id)], success: [del(claim)] })
    try {
      patience.endWith(session.signal)
      await patience.insist((signal) => {
        const unchanged = compare(key).modRevision('=', modRevision)
        const change = put(key, '', { ignoreValue: true })
        return this.#store.txn({ compare: [unchanged], success: [change], failure: [ours] }, { signal })
      })
    } catch (error) {
      this.#store.environment.logger.debug('a claim is left to its lease', { reason: String(error) })
    } finally {
      patience.end()
    }
  }
}

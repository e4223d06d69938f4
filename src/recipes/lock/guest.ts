/**
 * A place in the line on somebody else's lease: whoever asks for it was granted the lease, keeps it alive and ends it, and is
 * told of nothing. So there is one key for each name and lease, as with etcd (`name/7f3`), and who asks again with the same lease
 * is in the same place, with the value that it gives now.
 *
 * Always: who gives up waiting leaves no key behind, since the lease may live on. It is deleted only as it was last written by
 * the one who gives up: who asked again meanwhile may hold by it. And a put whose outcome is unknown finds a tombstone when it
 * comes late (entry.ts says why). That one lies below `name/`, since whoever asks need not be allowed anything beside it, and
 * clients of etcd would wait for it: so it stays for a minute, by which no call is on its way any more.
 * Always: waking is not holding: the line is read again, and the own key must still be in it.
 * Not here: losing what is held. That shows in the key, to whoever looks.
 */
import { compare, del, get, put, type Revision } from '../../api/operations.js'
import type { Store } from '../../api/store.js'
import { AssertionError } from '../../base/assert.js'
import type { BytesLike } from '../../base/bytes.js'
import { isStoreError, StoreError } from '../../base/errors.js'
import type { LeaseId } from '../../base/lease-id.js'
import { quote } from '../../base/quote.js'
import { randomId } from '../../base/random.js'
import { mayTakeEffect } from '../failures.js'
import { Patience } from '../patience.js'
import { keyInLine, readLine } from './line.js'
import { oneAtATime, untilOutOfTheWay } from './obstacle.js'

export interface GuestOptions {
  readonly name: string
  /** Granted to whoever asks. */
  readonly lease: LeaseId
  /** Of the key. */
  readonly value: BytesLike
}

/** What the one has who is in front. */
export interface GuestHold {
  readonly key: string
  readonly createRevision: Revision
  /** At which it was seen to be in front. */
  readonly revision: Revision
}

const TOMBSTONE_MS = 60_000

/** The key as a put of ours left it. */
interface Written {
  readonly createRevision: Revision
  readonly modRevision: Revision
}

/**
 * Waits until nobody stands in the way, and leaves the key to the lease then. Rejects with `ABORTED` when `signal` aborts,
 * `LOCK_LOST` when the key is gone, `LEASE_NOT_FOUND`, and with what the store rejects with; then the key is on its way out.
 */
export async function holdAsGuest(store: Store, options: GuestOptions, signal: AbortSignal): Promise<GuestHold> {
  const guest = new Guest(store, options)
  const patience = new Patience(store.environment, { signal })
  try {
    return await guest.hold(patience)
  } catch (error) {
    void guest.leave()
    throw error
  } finally {
    patience.end()
  }
}

class Guest {
  readonly #store: Store
  readonly #options: GuestOptions
  readonly #key: string
  readonly #tombstone: string
  /** What became of the put; rejects where that is told by an error. Undefined before it is sent. */
  #written: Promise<Written> | undefined

  constructor(store: Store, options: GuestOptions) {
    const { name, lease } = options
    this.#store = store
    this.#options = options
    this.#key = keyInLine(name, lease)
    // Of a name that no other call has, and that nobody here takes for a place.
    this.#tombstone = `${this.#key}~${randomId(store.environment.random)}`
  }

  async hold(patience: Patience): Promise<GuestHold> {
    patience.signal.throwIfAborted()
    // Without the signal: what becomes of it must be known also when nobody waits for it any more.
    this.#written = this.#write()
    const { createRevision } = await patience.within(this.#written)
    const { name } = this.#options
    for (;;) {
      const { contenders, revision } = await patience.insist((signal) => readLine(this.#store, name, { signal }))
      const own = contenders.findIndex((each) => each.key === this.#key && each.createRevision === createRevision)
      if (own === -1) throw lost(this.#key)
      const obstacle = oneAtATime(contenders, own)
      if (obstacle === undefined) return { key: this.#key, createRevision, revision }
      await patience.insist((signal) => untilOutOfTheWay(this.#store, name, obstacle, revision, signal))
    }
  }

  /** Never rejects: what cannot be deleted is left to the lease. */
  async leave(): Promise<void> {
    const patience = new Patience(this.#store.environment, {})
    try {
      const written = await this.#written?.catch((error: unknown) => (mayTakeEffect(error) ? 'unknown' : undefined))
      if (written === undefined) return
      await patience.insist((signal) => this.#takeAway(written, signal))
      if (written !== 'unknown') return
      if (!(await this.#pausedWhileOpen(patience))) return
      await patience.insist((signal) => this.#store.delete(this.#tombstone, { signal }))
    } catch (error) {
      // The key went with it, and so would a late put.
      if (isStoreError(error, 'LEASE_NOT_FOUND')) return
      const { logger } = this.#store.environment
      logger.warn('a place in a line could not be given up and is left to its lease', { reason: String(error) })
    } finally {
      patience.end()
    }
  }

  /** Whether the store is still open after it: a closed one leaves no timer behind, and the tombstone to the lease. */
  async #pausedWhileOpen(patience: Patience): Promise<boolean> {
    const closing = new AbortController()
    const stops = (['closed', 'failed', 'removed'] as const).map((event) => {
      return this.#store.on(event, () => {
        closing.abort()
      })
    })
    patience.endWith(closing.signal)
    await patience.pause(TOMBSTONE_MS)
    for (const stop of stops) stop()
    return !closing.signal.aborted
  }

  /** May be repeated. */
  async #takeAway(written: Written | 'unknown', signal: AbortSignal): Promise<void> {
    const { lease } = this.#options
    const key = this.#key
    const transaction =
      written === 'unknown'
        ? { success: [put(this.#tombstone, '', { lease }), del(key)] }
        : { compare: [compare(key).modRevision('=', written.modRevision)], success: [del(key)] }
    await this.#store.txn(transaction, { signal })
  }

  async #write(): Promise<Written> {
    const { lease, value } = this.#options
    const { succeeded, results } = await this.#store.txn({
      compare: [compare(this.#tombstone).missing()],
      success: [put(this.#key, value, { lease }), get(this.#key, { keysOnly: true })],
    })
    const found = succeeded ? results[1].items[0] : undefined
    if (found === undefined) throw new AssertionError(`${this.#key} was put, and is not there`)
    return { createRevision: found.createRevision, modRevision: found.modRevision }
  }
}

function lost(key: string): StoreError {
  return new StoreError('LOCK_LOST', `${quote(key)} is gone: its lease ended or it was removed while it waited`)
}

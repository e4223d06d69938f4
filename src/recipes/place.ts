/**
 * A place in the line: a session and its key, from the moment the key is put until the session ends.
 *
 * Always: a place is given up by ending its lease, never by deleting its key. A put whose outcome was unknown may still be
 * on its way: it would create the key again, and a key that nobody knows of blocks everybody behind it for as long as the
 * lease lives. With the lease gone the late put is refused.
 * Always: whoever waits watches the one place before it, from the revision at which it was seen. When that goes, exactly
 * one waiter wakes; were all to watch the first, each end would wake them all.
 * Always: waking is not holding. Between the end of the place before and the look at the line the own lease may have ended
 * (etcd issue 11408): the line is read again, linearizably, and the own place must still be in it.
 */
import type { KeyValue } from '../api/key-value.js'
import { compare, get, put, type Revision } from '../api/operations.js'
import type { Store, TransactionResult } from '../api/store.js'
import { AssertionError } from '../base/assert.js'
import type { BytesLike } from '../base/bytes.js'
import { isStoreError } from '../base/errors.js'
import { keyInLine, readLine, standingOf, untilGone, type Standing } from './line.js'
import type { Patience } from './patience.js'
import { Session } from './session.js'

export interface PlaceOptions {
  readonly name: string
  /** Of the key. */
  readonly value: BytesLike
  readonly ttlMs: number
  /** For the grant of the lease. */
  readonly timeoutMs: number | undefined
}

/** The line as seen from a place in it. */
interface View {
  readonly revision: Revision
  /** Who is next before it; undefined at the front. */
  readonly before: KeyValue | undefined
}

export class Place {
  readonly store: Store
  readonly session: Session
  readonly standing: Standing
  readonly #name: string

  private constructor(store: Store, name: string, session: Session, createRevision: Revision) {
    this.store = store
    this.session = session
    this.standing = { key: keyInLine(name, session.lease), lease: session.lease, createRevision }
    this.#name = name
  }

  /** Takes the last place in the line. Leaves nothing behind when it rejects. */
  static async take(store: Store, options: PlaceOptions, patience: Patience): Promise<Place> {
    const { name, value } = options
    const session = await openSession(store, options, patience)
    try {
      patience.endWith(session.signal)
      const createRevision = await patience.insist((signal) => enter(store, session, name, value, signal))
      return new Place(store, name, session, createRevision)
    } catch (error) {
      session.abandon()
      throw error
    }
  }

  /** Resolves when this place is the first, with the revision at which it was. */
  async reachFront(patience: Patience): Promise<Revision> {
    for (;;) {
      const { before, revision } = await patience.insist((signal) => this.#look(signal))
      if (before === undefined) return revision
      await patience.insist((signal) => untilGone(this.store, standingOf(before), revision, signal))
    }
  }

  /** The revision at which this place is the first; undefined if it is not. */
  async isFront(patience: Patience): Promise<Revision | undefined> {
    const { before, revision } = await patience.insist((signal) => this.#look(signal))
    return before === undefined ? revision : undefined
  }

  async #look(signal: AbortSignal): Promise<View> {
    const { key, createRevision } = this.standing
    const { contenders, revision } = await readLine(this.store, this.#name, { signal })
    const own = contenders.findIndex((each) => each.key === key && each.createRevision === createRevision)
    if (own === -1) this.session.lose('its key was deleted')
    // By the clock, too: the answer may have been on its way for longer than the lease can be relied upon.
    this.session.signal.throwIfAborted()
    return { before: contenders[own - 1], revision }
  }
}

async function openSession(store: Store, options: PlaceOptions, patience: Patience): Promise<Session> {
  const { ttlMs, timeoutMs } = options
  try {
    return await Session.open(store, { ttlMs, timeoutMs, signal: patience.signal })
  } catch (error) {
    patience.signal.throwIfAborted()
    throw error
  }
}

/**
 * Puts the key unless it is there; resolves with its create revision. May be repeated after an unknown outcome: the lease
 * is this session's own and so is the key named after it, so a key that is there already was put by an earlier try.
 */
async function enter(
  store: Store,
  session: Session,
  name: string,
  value: BytesLike,
  signal: AbortSignal,
): Promise<Revision> {
  const { lease } = session
  const key = keyInLine(name, lease)
  const transaction = {
    compare: [compare(key).missing()],
    success: [put(key, value, { lease })],
    failure: [get(key, { keysOnly: true })],
  }
  try {
    return createRevisionOf(await store.txn(transaction, { signal }))
  } catch (error) {
    if (isStoreError(error, 'LEASE_NOT_FOUND')) session.lose('its lease ended', error)
    throw error
  }
}

function createRevisionOf({ succeeded, revision, results }: TransactionResult): Revision {
  if (succeeded) return revision
  const [found] = results
  if (found?.type !== 'range' || found.items[0] === undefined) {
    throw new AssertionError('a key was neither missing nor there')
  }
  return found.items[0].createRevision
}

/**
 * One session for all that a process holds through one object: opened when it is needed first, and again when it was lost.
 *
 * Always: what may have been put under its lease and is minded by nobody any more, ends with it: `abandon`. Under a lease
 * that is kept alive for others it would stand for ever.
 */
import type { Store } from '../../api/store.js'
import { unlessAborted, type Patience } from '../patience.js'
import { Session } from './session.js'

export class SharedSession {
  readonly #store: Store
  readonly #ttlMs: number
  #session: Session | undefined
  #opening: Promise<Session> | undefined

  constructor(store: Store, ttlMs: number) {
    this.#store = store
    this.#ttlMs = ttlMs
  }

  /** The session, once there is one that stands. What waits ends with `patience`; opening goes on for others. */
  get(patience: Patience): Promise<Session> {
    return patience.insist((signal) => unlessAborted(this.#stands(), signal))
  }

  /** Ends this session; the next one who asks gets another. */
  abandon(session: Session): void {
    if (this.#session === session) this.#session = undefined
    session.abandon()
  }

  /** Ends the session. Never rejects: a lease that cannot be revoked is left to expire. */
  async close(): Promise<void> {
    // Also where there is one that was lost: another one may be being opened in its place, and nobody would ever end that.
    const sessions = [this.#session, await this.#opening?.catch(() => undefined)]
    this.#session = undefined
    await Promise.all(sessions.map(async (session) => session?.leave()))
  }

  async #stands(): Promise<Session> {
    if (this.#session?.signal.aborted === false) return this.#session
    this.#opening ??= this.#open().finally(() => (this.#opening = undefined))
    return this.#opening
  }

  async #open(): Promise<Session> {
    this.#session = await Session.open(this.#store, { ttlMs: this.#ttlMs })
    return this.#session
  }
}

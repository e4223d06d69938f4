/**
 * A lease that is kept alive, and a signal that says when it can no longer be relied upon.
 *
 *     sent ──────────── a third ───────────────────────── four fifths ────────── TTL
 *      │                   │                                    │                 │
 *      confirmed renewal   next renewal, then tries again …     signal aborts     the lease may end
 *
 * Always: the signal aborts before the lease can have ended anywhere, as long as this process runs. The time is counted
 * by the monotonic clock from when the last confirmed renewal was *sent*: the leader starts the lease's time when the
 * renewal arrives, so it ends no earlier than one TTL after that. Counted from when the answer came, the time of the
 * answer's way back would be promised twice.
 * Always: the clock is asked before a timer or an answer is believed. A process that was stopped finds both waiting when
 * it goes on, in any order; a renewal answered before the stop would else extend a lease that ended during it.
 *
 * The last fifth of the TTL is the margin: for a timer that fires late because the event loop is busy, for the clocks of
 * this process and of the leader running at different rates, and for the user of the signal to stop.
 *
 * Not here: a stop that is longer than the margin. Between its end and the next look at the clock the process may act as
 * if nothing had happened; only a write that compares the token (hold.ts) is safe from that.
 */
import { CALL_FIELDS } from '../../api/check-call.js'
import { checkFields, kind, type Fields } from '../../api/check-fields.js'
import type { CallOptions, Lease, Store } from '../../api/store.js'
import type { Cancel } from '../../base/clock.js'
import { isStoreError, StoreError } from '../../base/errors.js'
import type { LeaseId } from '../../base/lease-id.js'
import { LIMITS } from '../../base/limits.js'
import { checkStore } from '../check-store.js'
import { isStoreGone } from '../failures.js'
import { allowManyListeners } from '../many-listeners.js'
import { Patience, type WaitOptions } from '../patience.js'
import { WatchfulController } from './watchful-controller.js'

export interface SessionOptions extends CallOptions {
  /** Milliseconds for which the lease outlives this process; the store may grant more. */
  readonly ttlMs: number
}

const SESSION_FIELDS: Fields<SessionOptions> = { ttlMs: true, ...CALL_FIELDS }

/** Renewals per TTL: one may be lost and its successor still comes in time. */
const RENEWALS_PER_TTL = 3
/** A failed renewal is tried again after this part of the time between two renewals. */
const TRIES_PER_RENEWAL = 10
/** The part of the TTL that is never relied upon. */
const MARGIN = 1 / 5

/**
 * A lease that lives as long as this object is open and its process runs.
 *
 * @example
 * const session = await Session.open(store, { ttlMs: 10_000 })
 * await store.put('services/web/1', 'http://10.0.0.1', { lease: session.lease })
 * session.signal.addEventListener('abort', () => console.log('gone:', session.signal.reason))
 *
 * @example Many locks on one lease: one stream of renewals, and one transaction for each that is free
 * const lock = await new Mutex(store, 'reports/2026', { session }).lock()
 */
export class Session implements AsyncDisposable {
  /** Attach keys to it: they are deleted when the session ends. */
  readonly lease: LeaseId
  /** Milliseconds, as granted. */
  readonly ttlMs: number
  readonly #store: Store
  readonly #askedTtlMs: number
  readonly #controller = new WatchfulController(() => {
    this.#checkClock()
  })
  readonly #stopListening: () => void
  #deadlineMs: number
  #deadlineTimer: Cancel | undefined
  #renewalTimer: Cancel | undefined
  /** Why the last renewal failed; undefined when it did not. */
  #trouble: unknown
  #closing: Promise<void> | undefined
  #numbersTaken = 0
  #tombstones = 0

  private constructor(store: Store, lease: Lease, askedTtlMs: number, sentMs: number) {
    this.lease = lease.id
    this.ttlMs = lease.ttlMs
    this.#store = store
    this.#askedTtlMs = askedTtlMs
    // Each lock that stands on the session does.
    allowManyListeners(this.#controller.signal)
    this.#deadlineMs = sentMs + lease.ttlMs * (1 - MARGIN)
    const stops = [
      store.on('failed', (error) => {
        this.lose('the store failed', error)
      }),
      // Nothing can be renewed any more, and waiting to find out would keep the process alive.
      store.on('closed', () => {
        this.lose('the store was closed', new StoreError('CLOSED', 'the store was closed'))
      }),
    ]
    this.#stopListening = () => {
      for (const stop of stops) stop()
    }
    this.#watchClock()
    this.#renewIn(sentMs + this.#renewEveryMs - this.#nowMs)
  }

  /**
   * Grants a lease and keeps it alive until {@link close}. `signal` and `timeoutMs` are for the grant only.
   * Rejects with what the grant rejects with, and with `LOCK_LOST` when it took longer than the lease can be relied upon.
   */
  static async open(store: Store, options: SessionOptions): Promise<Session> {
    checkStore(store)
    checkFields(options, SESSION_FIELDS, 'Session.open()')
    const { ttlMs, ...call } = options
    checkTtl(ttlMs)
    const sentMs = store.environment.clock.monotonicMs()
    const session = new Session(store, await store.leases.grant({ ttlMs }, call), ttlMs, sentMs)
    if (session.signal.aborted) session.abandon()
    session.signal.throwIfAborted()
    return session
  }

  /**
   * Aborts before the lease can have ended, with a `LOCK_LOST` error as its reason, and when the session is closed.
   * It looks at the clock when it is asked: it is right even when a timer that is due has not fired yet.
   */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /**
   * Another session with the same store and TTL, for when this one is over: its lease, its keys and what was held by them
   * do not come back. Tries until it has one. Whether to go on is decided by whoever was interrupted, so no session opens
   * itself again. One that still stands is not touched.
   *
   * Rejects with `ABORTED` or `TIMEOUT` when waiting is given up, and with an error of the store that does not pass.
   *
   * @example
   * if (session.signal.aborted) session = await session.reopen({ signal })
   */
  async reopen(options: WaitOptions = {}): Promise<Session> {
    checkFields(options, CALL_FIELDS, 'reopen()')
    const patience = new Patience(this.#store.environment, options)
    // What is left of it would only keep others waiting.
    if (this.signal.aborted) this.abandon()
    try {
      return await openSession(this.#store, { ttlMs: this.#askedTtlMs }, patience)
    } finally {
      patience.end()
    }
  }

  /**
   * Aborts the signal, then ends the lease and deletes its keys. Idempotent. When it rejects, the lease ends by itself
   * within its TTL, and calling again tries again.
   */
  close(): Promise<void> {
    // Before the revocation leaves: whoever acts under the signal stops before anybody else can take over.
    this.#end(new StoreError('LOCK_LOST', 'the session was closed'))
    this.#closing ??= this.#revoke()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Closes without waiting: for whoever has an error to report already. The lease ends at the latest by itself. */
  abandon(): void {
    void this.leave()
  }

  /** @internal Closes. Never rejects: a lease that cannot be revoked is left to expire. */
  async leave(): Promise<void> {
    await this.close().catch((error: unknown) => {
      const { logger } = this.#store.environment
      logger.warn('a lease could not be revoked and is left to expire', { reason: String(error) })
    })
  }

  /** @internal Ends the session for a reason found elsewhere: its key is gone, say. */
  lose(why: string, cause?: unknown): void {
    this.#end(new StoreError('LOCK_LOST', `the session is lost: ${why}`, { cause }))
  }

  /** @internal Aborts the signal and renews the lease no more, and does not end it: whoever knows it now may. */
  orphan(): void {
    this.#end(new StoreError('LOCK_LOST', 'the session was left to whoever knows its lease'))
  }

  /** @internal Whether its lease is one of the cluster that `store` is of, whichever member or namespace that is. */
  belongsTo(store: Store): boolean {
    if (store.environment === this.#store.environment) return true
    return store.status().clusterId === this.#store.status().clusterId
  }

  /** @internal Names what hangs on the lease: each call gives another number. */
  takeNumber(): number {
    return ++this.#numbersTaken
  }

  /** @internal A key was put under its lease that nobody will delete. */
  addTombstone(): void {
    this.#tombstones++
  }

  /** @internal There are as many of them as there may be: what would leave more stands on a lease of its own from now on. */
  get isLittered(): boolean {
    return this.#tombstones >= LIMITS.sessionTombstonesMax
  }

  get #nowMs(): number {
    return this.#store.environment.clock.monotonicMs()
  }

  get #renewEveryMs(): number {
    return this.ttlMs / RENEWALS_PER_TTL
  }

  #end(reason: StoreError): void {
    if (this.#controller.aborted) return
    this.#deadlineTimer?.()
    this.#renewalTimer?.()
    this.#stopListening()
    this.#controller.abort(reason)
  }

  /** Whether the session still stands, by the clock. */
  #checkClock(): boolean {
    if (this.#controller.aborted) return false
    if (this.#nowMs < this.#deadlineMs) return true
    this.lose('no renewal was confirmed in time', this.#trouble)
    return false
  }

  /** Armed again when it fires early: a timer has a longest delay, and renewals move the deadline. */
  #watchClock(): void {
    if (!this.#checkClock()) return
    this.#deadlineTimer?.()
    this.#deadlineTimer = this.#after(this.#deadlineMs - this.#nowMs, () => {
      this.#watchClock()
    })
  }

  #renewIn(delayMs: number): void {
    if (this.#controller.aborted) return
    this.#renewalTimer = this.#after(delayMs, () => void this.#renew())
  }

  #after(delayMs: number, action: () => void): Cancel {
    return this.#store.environment.timers.after(Math.max(0, delayMs), action)
  }

  async #renew(): Promise<void> {
    if (!this.#checkClock()) return
    const sentMs = this.#nowMs
    // Half the time, so that a try without an answer leaves room for two more before the signal aborts.
    const timeoutMs = Math.min(this.#renewEveryMs / 2, this.#deadlineMs - sentMs)
    try {
      await this.#store.leases.keepAlive(this.lease, { timeoutMs, signal: this.#controller.signal })
    } catch (error) {
      this.#renewalFailed(error)
      return
    }
    if (!this.#checkClock()) return
    this.#trouble = undefined
    this.#deadlineMs = sentMs + this.ttlMs * (1 - MARGIN)
    this.#watchClock()
    this.#renewIn(sentMs + this.#renewEveryMs - this.#nowMs)
  }

  #renewalFailed(error: unknown): void {
    if (!this.#checkClock()) return
    this.#trouble = error
    if (isStoreError(error, 'LEASE_NOT_FOUND') || isStoreGone(error)) {
      this.lose('its lease cannot be renewed any more', error)
      return
    }
    this.#renewIn(this.#renewEveryMs / TRIES_PER_RENEWAL)
  }

  async #revoke(): Promise<void> {
    try {
      await this.#store.leases.revoke(this.lease)
    } catch (error) {
      // It ended by itself, or an earlier try did it whose outcome was unknown.
      if (isStoreError(error, 'LEASE_NOT_FOUND')) return
      this.#closing = undefined
      throw error
    }
  }
}

/** Tries until there is a session or patience ends. A grant whose answer was lost leaves a lease without keys to its TTL. */
export async function openSession(
  store: Store,
  { ttlMs }: { readonly ttlMs: number },
  patience: Patience,
): Promise<Session> {
  let opened: Session | undefined
  try {
    return await patience.insist(async (signal) => (opened = await Session.open(store, { ttlMs, signal })))
  } catch (error) {
    // Given up in the moment in which it came.
    opened?.abandon()
    throw error
  }
}

/** Throws TypeError or RangeError. */
export function checkTtl(ttlMs: number): void {
  if (typeof ttlMs !== 'number') throw new TypeError(`ttlMs must be a number of milliseconds, not ${typeof ttlMs}`)
  if (!Number.isFinite(ttlMs) || ttlMs <= 0) throw new RangeError(`ttlMs must be a positive number, not ${ttlMs}`)
}

/** Throws TypeError for what is none, a promise of a session, say, and for one of another cluster: it has no such lease. */
export function checkSession(session: Session | undefined, store: Store): Session | undefined {
  if (session === undefined) return undefined
  const { lease, belongsTo } = (session ?? {}) as Partial<Session>
  if (typeof lease !== 'bigint' || typeof belongsTo !== 'function')
    throw new TypeError(`session must be what Session.open() resolves with, not ${kind(session)}`)
  if (!session.belongsTo(store))
    throw new TypeError('session must be one of the same store: it was opened on another one')
  return session
}

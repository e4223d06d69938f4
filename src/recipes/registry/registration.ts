/**
 * One instance in a registry, for as long as its process lives: registered under a lease, and again under another one when that
 * was lost.
 *
 *     open a session ── put the key, once nobody else has it ── hold it, and write what changed ── the session is lost ──┐
 *      └───────────────────────── its lease has ended for certain ───────────────────────────────────────────────────────┘
 *
 * Always: one lease at a time. Before another session is opened the lease of the last one is revoked, and that is confirmed:
 * a put under it whose outcome is unknown may still be on its way, and is refused from then on. So nothing comes back after
 * `close()` either, which revokes the last one. (That is why a registration does not share a session: it could only delete its
 * key, and a late put would create it again.)
 * Not here: the key under one of these leases (instance-key.ts), and what becomes of changes (announcement.ts).
 */
import { checkFields } from '../../api/check-fields.js'
import { CALL_FIELDS } from '../../api/check-call.js'
import type { Store } from '../../api/store.js'
import { isStoreError, StoreError } from '../../base/errors.js'
import { quote } from '../../base/quote.js'
import { Announcement, type Version } from './announcement.js'
import { InstanceKey } from './instance-key.js'
import { DESCRIPTION_FIELDS, type AnyDescription, type InstanceDescription } from './instance.js'
import { Condition } from '../condition.js'
import { allowManyListeners } from '../many-listeners.js'
import { OPERATORS_MS, Patience, type WaitOptions } from '../patience.js'
import { openSession, type Session } from '../session/session.js'
import { isStoreGone, withUnknownOutcome } from '../failures.js'

export class Registration<Metadata = unknown> implements AsyncDisposable {
  /** The key that stands for it. */
  readonly key: string
  readonly #store: Store
  readonly #ttlMs: number
  /** Aborted, with the reason, when it is over for good. */
  readonly #over = new AbortController()
  readonly #changed = new Condition()
  readonly #announcement: Announcement
  #session: Session | undefined
  /** Under that session. */
  #standing: InstanceKey | undefined
  #trouble: Error | undefined
  #running: Promise<void> | undefined

  private constructor(store: Store, key: string, description: AnyDescription, ttlMs: number) {
    this.key = key
    this.#store = store
    this.#ttlMs = ttlMs
    this.#announcement = new Announcement(description)
    allowManyListeners(this.#over.signal)
  }

  /** @internal Resolves when it is registered. */
  static async open<Metadata>(
    store: Store,
    key: string,
    description: AnyDescription,
    options: { readonly ttlMs: number } & WaitOptions,
  ): Promise<Registration<Metadata>> {
    const registration = new Registration<Metadata>(store, key, description, options.ttlMs)
    const patience = new Patience(store.environment, options)
    registration.#running = registration.#run()
    try {
      await registration.#changed.until(() => registration.registered || registration.#hopeless, patience.signal)
      registration.#over.signal.throwIfAborted()
      if (!registration.registered) throw registration.#trouble as Error
      return registration
    } catch (error) {
      registration.#abandon()
      throw registration.#withHolder(error)
    } finally {
      patience.end()
    }
  }

  /**
   * Whether others can find it, by what this process knows: false while the lease can no longer be relied upon, or somebody
   * removed the key. It is registered again by itself.
   */
  get registered(): boolean {
    return this.#standing?.isWritten === true
  }

  /** Aborts when it is over for good: after {@link close}, or when the store was closed or has failed. */
  get signal(): AbortSignal {
    return this.#over.signal
  }

  /** Why it is not registered at the moment; undefined while it is, or where it only takes a while. */
  get trouble(): Error | undefined {
    return this.registered ? undefined : this.#trouble
  }

  /**
   * Changes what others see of it; what is not given, or undefined, stays. Resolves when it is stored. Rejects with what the store
   * refuses it with: the registration stands as it was then, and where `outcome` is `refused` the change has no effect, now or
   * later. Rejects with `ABORTED` or `TIMEOUT`, and `outcome` `unknown`, when waiting is given up: it is stored as soon as that is
   * possible all the same. Throws TypeError or RangeError for what no registry holds.
   */
  async update(changes: Partial<InstanceDescription<Metadata>>, options: WaitOptions = {}): Promise<void> {
    checkFields(changes, DESCRIPTION_FIELDS, 'update()')
    checkFields(options, CALL_FIELDS, 'update()')
    const patience = new Patience(this.#store.environment, options)
    try {
      patience.endWith(this.#over.signal)
      patience.signal.throwIfAborted()
      await this.#stored(this.#announcement.change(changes), patience)
    } finally {
      patience.end()
    }
  }

  /**
   * Takes it out, for good: it is not found any more when this resolves, and never comes back. Idempotent. When it rejects, it goes
   * with its lease, within the TTL, and calling again tries again.
   */
  async close(): Promise<void> {
    this.#end(new StoreError('CLOSED', 'the registration was closed'))
    await this.#running
    await this.#session?.close()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** Whether trying again is no use before somebody does something about it. */
  get #hopeless(): boolean {
    if (this.#over.signal.aborted) return true
    return this.#trouble !== undefined && !(isStoreError(this.#trouble) && this.#trouble.retryable)
  }

  #abandon(): void {
    this.close().catch((error: unknown) => {
      const { logger } = this.#store.environment
      logger.warn('a registration that was given up is left to its lease', { reason: String(error) })
    })
  }

  #withHolder(error: unknown): unknown {
    if (!isStoreError(error, 'TIMEOUT') || this.#standing?.isTaken !== true) return error
    const taken = `${quote(this.key)} is registered by somebody else, whose lease has not ended`
    return new StoreError('TIMEOUT', `${taken}; ${error.message}`, { cause: error })
  }

  #end(reason: StoreError): void {
    if (this.#over.signal.aborted) return
    this.#over.abort(reason)
    this.#changed.tell()
  }

  /** Settles when it is over, and never rejects. */
  async #run(): Promise<void> {
    const life = new Patience(this.#store.environment, {})
    life.endWith(this.#over.signal)
    try {
      while (!this.#over.signal.aborted) {
        const error = await this.#live(life)
        if (this.#over.signal.aborted) return
        // A change is told at once, and what was stored before is tried next.
        this.#announcement.takeBack(error)
        this.#troubled(error)
        await life.pause(OPERATORS_MS)
      }
    } finally {
      life.end()
    }
  }

  /** One session after the other; resolves with what put an end to that. */
  async #live(life: Patience): Promise<unknown> {
    try {
      for (;;) {
        // Whatever is still on its way under the last lease is refused from here on.
        await life.insist(async () => this.#session?.close())
        this.#session = await openSession(this.#store, { ttlMs: this.#ttlMs }, life)
        await this.#stand(this.#session)
      }
    } catch (error) {
      if (isStoreGone(error)) this.#end(error)
      return error
    }
  }

  /** Registered, again and again, as long as the session stands. */
  async #stand(session: Session): Promise<void> {
    const patience = new Patience(this.#store.environment, {})
    patience.endWith(this.#over.signal)
    patience.endWith(session.signal)
    const key = new InstanceKey(this.#store, this.key, session, this.#announcement, this.#changed)
    this.#standing = key
    try {
      for (;;) await key.stand(patience)
    } catch (error) {
      this.#over.signal.throwIfAborted()
      if (!session.signal.aborted) throw error
      this.#trouble = undefined
    } finally {
      patience.end()
      this.#changed.tell()
    }
  }

  /** Resolves when others see this version, or a later one. */
  async #stored(version: Version, patience: Patience): Promise<void> {
    const announcement = this.#announcement
    this.#changed.tell()
    const settled = (): boolean =>
      announcement.refusalOf(version) !== undefined || (this.registered && announcement.isStored(version))
    await this.#changed.until(settled, patience.signal).catch((error: unknown) => {
      throw withUnknownOutcome(error)
    })
    const refusal = announcement.refusalOf(version)
    if (refusal !== undefined && !announcement.isStored(version)) throw refusal.error
  }

  #troubled(error: unknown): void {
    this.#trouble = error as Error
    this.#warn('an instance cannot be registered for the moment', error)
    this.#changed.tell()
  }

  #warn(message: string, error: unknown): void {
    this.#store.environment.logger.warn(message, { key: quote(this.key), reason: String(error) })
  }
}

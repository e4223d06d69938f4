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
 * Always: the key is put only where there is none. An id that somebody else has is waited for: it may be the process that this
 * one replaces, whose lease ends soon, and two that both overwrite the other would do so for ever.
 * Always: a change compares the version that it replaces, so that an older change that comes late does not undo it.
 * Always: only the end of its lease or of its key ends a registration that stands. A change that is refused, for want of space
 * or of a permission, is taken back and told to who asked for it (announcement.ts): a full disk must not empty a registry.
 */
import { setMaxListeners } from 'node:events'
import { checkFields } from '../../api/check-fields.js'
import { CALL_FIELDS } from '../../api/check-call.js'
import type { KeyValue } from '../../api/key-value.js'
import { compare, get, put, type Revision } from '../../api/operations.js'
import type { Store } from '../../api/store.js'
import { isStoreError, StoreError } from '../../base/errors.js'
import { quote } from '../../base/quote.js'
import { Announcement, type Version } from './announcement.js'
import { DESCRIPTION_FIELDS, type AnyDescription, type InstanceDescription } from './instance.js'
import { standingOf, stands, untilGone, type Standing } from '../lock/line.js'
import { Patience, type WaitOptions } from '../patience.js'
import { openSession, type Session } from '../session/session.js'
import { isStoreGone, withUnknownOutcome } from '../failures.js'

/** Milliseconds before registering is tried again after something that does not pass by itself. */
const RETRY_MS = 1_000

/** The key as this registration last wrote it. */
interface Written {
  readonly session: Session
  readonly standing: Standing
  modRevision: Revision
  /** Undefined: another one than those that are known here to be stored. */
  version: Version | undefined
}

export class Registration<Metadata = unknown> implements AsyncDisposable {
  /** The key that stands for it. */
  readonly key: string
  readonly #store: Store
  readonly #ttlMs: number
  /** Aborted, with the reason, when it is over for good. */
  readonly #over = new AbortController()
  /** Called when something has changed that somebody may wait for. */
  readonly #listeners = new Set<() => void>()
  readonly #announcement: Announcement
  #session: Session | undefined
  #written: Written | undefined
  /** Who has the id at the moment. */
  #holder: string | undefined
  #trouble: Error | undefined
  #running: Promise<void> | undefined

  private constructor(store: Store, key: string, description: AnyDescription, ttlMs: number) {
    this.key = key
    this.#store = store
    this.#ttlMs = ttlMs
    this.#announcement = new Announcement(description)
    setMaxListeners(0, this.#over.signal)
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
      await registration.#until(() => registration.registered || registration.#hopeless, patience)
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
    return this.#written?.session.signal.aborted === false
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
      patience.signal.throwIfAborted()
      this.#over.signal.throwIfAborted()
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
    if (!isStoreError(error, 'TIMEOUT') || this.#holder === undefined) return error
    return new StoreError('TIMEOUT', `${this.#holder}; ${error.message}`, { cause: error })
  }

  #end(reason: StoreError): void {
    if (this.#over.signal.aborted) return
    this.#over.abort(reason)
    this.#tell()
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
        await life.pause(RETRY_MS)
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
      if (isStoreGone(error)) this.#end(error as StoreError)
      return error
    }
  }

  /** Registered, again and again, as long as the session stands. */
  async #stand(session: Session): Promise<void> {
    const patience = new Patience(this.#store.environment, {})
    patience.endWith(this.#over.signal)
    patience.endWith(session.signal)
    try {
      for (;;) await this.#hold(await this.#enter(session, patience), patience)
    } catch (error) {
      this.#over.signal.throwIfAborted()
      if (!session.signal.aborted) throw error
    } finally {
      this.#written = undefined
      patience.end()
      this.#tell()
    }
  }

  /** Puts the key as soon as there is none. */
  async #enter(session: Session, patience: Patience): Promise<Written> {
    for (;;) {
      const { key } = this
      const version = this.#announcement.wanted
      const { succeeded, revision, results } = await this.#txn(session, patience, (signal) =>
        this.#store.txn(
          {
            compare: [compare(key).missing()],
            success: [put(key, version.text, { lease: session.lease })],
            failure: [get(key)],
          },
          { signal },
        ),
      )
      if (succeeded) {
        const standing = { key, lease: session.lease, createRevision: revision }
        return { session, standing, modRevision: revision, version }
      }
      const [found] = results[0].items
      if (found === undefined) continue
      const standing = standingOf(found)
      // Put by an earlier try whose answer was lost.
      if (found.lease === session.lease) return { session, standing, ...foundOwn(found, version) }
      this.#holder = `${quote(key)} is registered by somebody else, whose lease has not ended`
      await patience.insist((signal) => untilGone(this.#store, standing, revision, signal))
    }
  }

  /** Resolves when the key is not the own one any more. */
  async #hold(written: Written, patience: Patience): Promise<void> {
    this.#holder = undefined
    this.#trouble = undefined
    this.#written = written
    this.#isWritten(written)
    const stop = new AbortController()
    let gone = false
    const watching = this.#watch(written, patience, stop.signal).finally(() => {
      gone = true
      this.#tell()
    })
    const isChanged = (): boolean => written.version !== this.#announcement.wanted
    try {
      while (!gone) {
        if (!isChanged()) await this.#until(() => gone || isChanged(), patience)
        else if (!(await this.#write(written, patience))) break
      }
    } finally {
      this.#written = undefined
      stop.abort()
      await watching
    }
    patience.signal.throwIfAborted()
  }

  /** Settles when the key is not the own one any more, or nobody wants to know, and never rejects. */
  async #watch({ standing, modRevision }: Written, patience: Patience, stop: AbortSignal): Promise<void> {
    while (!patience.signal.aborted && !stop.aborted) {
      try {
        await patience.insist((signal) =>
          untilGone(this.#store, standing, modRevision, AbortSignal.any([signal, stop])),
        )
        return
      } catch (error) {
        if (stop.aborted || patience.signal.aborted) return
        if (isStoreGone(error)) this.#end(error as StoreError)
        // Not to be allowed to look is no sign that it has gone.
        this.#warn('an instance is registered, and cannot be watched for the moment', error)
        await patience.pause(RETRY_MS)
      }
    }
  }

  /** Writes what it is to be now; false when the key is not the own one any more. */
  async #write(written: Written, patience: Patience): Promise<boolean> {
    const version = this.#announcement.wanted
    const { session, standing, modRevision } = written
    const { key } = this
    try {
      const { succeeded, revision, results } = await this.#txn(session, patience, (signal) =>
        this.#store.txn(
          {
            compare: [...stands(standing), compare(key).modRevision('=', modRevision)],
            success: [put(key, version.text, { lease: session.lease })],
            failure: [get(key)],
          },
          { signal },
        ),
      )
      if (succeeded) Object.assign(written, { modRevision: revision, version })
      else {
        const [found] = results[0].items
        if (found?.createRevision !== standing.createRevision || found.lease !== session.lease) return false
        Object.assign(written, foundOwn(found, version))
      }
    } catch (error) {
      if (patience.signal.aborted || session.signal.aborted || isStoreGone(error)) throw error
      await this.#refused(error, patience)
    }
    this.#isWritten(written)
    return true
  }

  /** What stands is not touched by it. */
  async #refused(error: unknown, patience: Patience): Promise<void> {
    this.#warn('a change of an instance was refused', error)
    if (!this.#announcement.takeBack(error)) await patience.pause(RETRY_MS)
  }

  #isWritten({ version }: Written): void {
    if (version !== undefined) this.#announcement.stored(version)
    this.#tell()
  }

  /** Resolves when others see this version, or a later one. */
  async #stored(version: Version, patience: Patience): Promise<void> {
    const announcement = this.#announcement
    this.#tell()
    const settled = (): boolean =>
      announcement.refusalOf(version) !== undefined || (this.registered && announcement.isStored(version))
    await this.#until(settled, patience).catch((error: unknown) => {
      throw withUnknownOutcome(error)
    })
    const refusal = announcement.refusalOf(version)
    if (refusal !== undefined && !announcement.isStored(version)) throw refusal.error
  }

  async #txn<Result>(
    session: Session,
    patience: Patience,
    transact: (signal: AbortSignal) => Promise<Result>,
  ): Promise<Result> {
    const attempt = (signal: AbortSignal): Promise<Result> =>
      transact(signal).catch((error: unknown) => {
        this.#announcement.failed(error)
        throw error
      })
    try {
      return await patience.insist(attempt)
    } catch (error) {
      if (isStoreError(error, 'LEASE_NOT_FOUND')) session.lose('its lease ended', error)
      throw error
    }
  }

  #troubled(error: unknown): void {
    this.#trouble = error as Error
    this.#warn('an instance cannot be registered for the moment', error)
    this.#tell()
  }

  #warn(message: string, error: unknown): void {
    this.#store.environment.logger.warn(message, { key: quote(this.key), reason: String(error) })
  }

  #tell(): void {
    for (const listener of [...this.#listeners]) listener()
  }

  /** Resolves when it holds; rejects when it is over, or patience is. */
  #until(holds: () => boolean, patience: Patience): Promise<void> {
    return new Promise((resolve, reject) => {
      const look = (): void => {
        if (holds()) settle(resolve)
        else if (patience.signal.aborted) settle(() => reject(patience.signal.reason as Error))
        else if (this.#over.signal.aborted) settle(() => reject(this.#over.signal.reason as Error))
      }
      const settle = (settled: () => void): void => {
        this.#listeners.delete(look)
        patience.signal.removeEventListener('abort', look)
        settled()
      }
      this.#listeners.add(look)
      patience.signal.addEventListener('abort', look, { once: true })
      look()
    })
  }
}

/** The key as an earlier try left it: of this version, or of one before it that came late. */
function foundOwn(found: KeyValue, version: Version): Pick<Written, 'modRevision' | 'version'> {
  return { modRevision: found.modRevision, version: found.text() === version.text ? version : undefined }
}

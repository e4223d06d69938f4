/**
 * The key of an instance under the lease of one session: put as soon as there is none, and written anew when that changes what
 * the instance is to say.
 *
 * Always: the key is put only where there is none. An id that somebody else has is waited for: it may be the process that this
 * one replaces, whose lease ends soon, and two that both overwrite the other would do so for ever.
 * Always: a change compares the version that it replaces, so that an older change that comes late does not undo it.
 * Always: only the end of its lease or of the key ends a key that stands. A change that is refused, for want of space or of a
 * permission, is taken back and told to who asked for it: a full disk must not empty a registry.
 */
import type { KeyValue } from '../../api/key-value.js'
import { compare, get, put, type Revision } from '../../api/operations.js'
import type { Store } from '../../api/store.js'
import { isStoreError } from '../../base/errors.js'
import { quote } from '../../base/quote.js'
import type { Condition } from '../condition.js'
import { isStoreGone } from '../failures.js'
import { standingOf, stands, untilGone, type Standing } from '../lock/line.js'
import { OPERATORS_MS, type Patience } from '../patience.js'
import type { Session } from '../session/session.js'
import type { Announcement, Version } from './announcement.js'

/** The key as it was last written here. */
interface Written {
  readonly standing: Standing
  modRevision: Revision
  /** Undefined: another one than those that are known here to be stored. */
  version: Version | undefined
}

export class InstanceKey {
  readonly #store: Store
  readonly #key: string
  readonly #session: Session
  readonly #announcement: Announcement
  /** What is wanted, or what is shown here, has changed. */
  readonly #changed: Condition
  #written: Written | undefined
  #isTaken = false

  constructor(store: Store, key: string, session: Session, announcement: Announcement, changed: Condition) {
    this.#store = store
    this.#key = key
    this.#session = session
    this.#announcement = announcement
    this.#changed = changed
  }

  /** It is there, under a lease that can be relied upon. */
  get isWritten(): boolean {
    return this.#written !== undefined && !this.#session.signal.aborted
  }

  /** Somebody else has the id. */
  get isTaken(): boolean {
    return this.#isTaken
  }

  /** Puts the key, and resolves when it is not the own one any more. Rejects with the reason why `patience` is over, and with what the store refuses the first put with. */
  async stand(patience: Patience): Promise<void> {
    await this.#hold(await this.#enter(patience), patience)
  }

  /** Puts the key as soon as there is none. */
  async #enter(patience: Patience): Promise<Written> {
    for (;;) {
      const key = this.#key
      const { lease } = this.#session
      const version = this.#announcement.wanted
      const { succeeded, revision, results } = await this.#txn(patience, (signal) =>
        this.#store.txn(
          {
            compare: [compare(key).missing()],
            success: [put(key, version.text, { lease })],
            failure: [get(key)],
          },
          { signal },
        ),
      )
      if (succeeded) {
        const standing = { key, lease, createRevision: revision }
        return { standing, modRevision: revision, version }
      }
      const [found] = results[0].items
      if (found === undefined) continue
      const standing = standingOf(found)
      // Put by an earlier try whose answer was lost.
      if (found.lease === lease) return { standing, ...foundOwn(found, version) }
      this.#isTaken = true
      await patience.insist((signal) => untilGone(this.#store, standing, revision, signal))
    }
  }

  /** Resolves when the key is not the own one any more. */
  async #hold(written: Written, patience: Patience): Promise<void> {
    this.#isTaken = false
    this.#written = written
    this.#isWritten(written)
    const stop = new AbortController()
    let gone = false
    let failure: { readonly error: unknown } | undefined
    const watching = this.#watch(written, patience, stop.signal).then((failed) => {
      gone = true
      failure = failed
      this.#changed.tell()
    })
    const isChanged = (): boolean => written.version !== this.#announcement.wanted
    try {
      while (!gone) {
        if (!isChanged()) await this.#changed.until(() => gone || isChanged(), patience.signal)
        else if (!(await this.#write(written, patience))) break
      }
      if (failure !== undefined) throw failure.error
    } finally {
      this.#written = undefined
      stop.abort()
      await watching
    }
    patience.signal.throwIfAborted()
  }

  /** Resolves when the key is not the own one any more, or nobody wants to know; with what went wrong when the store has gone. */
  async #watch(
    { standing, modRevision }: Written,
    patience: Patience,
    stop: AbortSignal,
  ): Promise<{ readonly error: unknown } | undefined> {
    while (!patience.signal.aborted && !stop.aborted) {
      try {
        await patience.insist((signal) =>
          untilGone(this.#store, standing, modRevision, AbortSignal.any([signal, stop])),
        )
        return undefined
      } catch (error) {
        if (stop.aborted || patience.signal.aborted) return undefined
        if (isStoreGone(error)) return { error }
        // Not to be allowed to look is no sign that it has gone.
        this.#warn('an instance is registered, and cannot be watched for the moment', error)
        await patience.pause(OPERATORS_MS)
      }
    }
    return undefined
  }

  /** Writes what it is to be now; false when the key is not the own one any more. */
  async #write(written: Written, patience: Patience): Promise<boolean> {
    const version = this.#announcement.wanted
    const { standing, modRevision } = written
    const key = this.#key
    const { lease } = this.#session
    try {
      const { succeeded, revision, results } = await this.#txn(patience, (signal) =>
        this.#store.txn(
          {
            compare: [...stands(standing), compare(key).modRevision('=', modRevision)],
            success: [put(key, version.text, { lease })],
            failure: [get(key)],
          },
          { signal },
        ),
      )
      if (succeeded) Object.assign(written, { modRevision: revision, version })
      else {
        const [found] = results[0].items
        if (found?.createRevision !== standing.createRevision || found.lease !== lease) return false
        Object.assign(written, foundOwn(found, version))
      }
    } catch (error) {
      if (patience.signal.aborted || this.#session.signal.aborted || isStoreGone(error)) throw error
      await this.#refused(error, patience)
    }
    this.#isWritten(written)
    return true
  }

  /** What stands is not touched by it. */
  async #refused(error: unknown, patience: Patience): Promise<void> {
    this.#warn('a change of an instance was refused', error)
    if (!this.#announcement.takeBack(error)) await patience.pause(OPERATORS_MS)
  }

  #isWritten({ version }: Written): void {
    if (version !== undefined) this.#announcement.stored(version)
    this.#changed.tell()
  }

  async #txn<Result>(patience: Patience, transact: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const attempt = (signal: AbortSignal): Promise<Result> =>
      transact(signal).catch((error: unknown) => {
        this.#announcement.failed(error)
        throw error
      })
    try {
      return await patience.insist(attempt)
    } catch (error) {
      if (isStoreError(error, 'LEASE_NOT_FOUND')) this.#session.lose('its lease ended', error)
      throw error
    }
  }

  #warn(message: string, error: unknown): void {
    this.#store.environment.logger.warn(message, { key: quote(this.#key), reason: String(error) })
  }
}

/** The key as an earlier try left it: of this version, or of one before it that came late. */
function foundOwn(found: KeyValue, version: Version): Pick<Written, 'modRevision' | 'version'> {
  return { modRevision: found.modRevision, version: found.text() === version.text ? version : undefined }
}

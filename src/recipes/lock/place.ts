/**
 * A place in the line: a session and a key, from the moment the key is put until it is given up or lost.
 *
 * Always: a place with a session of its own ends with it; one in a shared session ends alone, or with the session.
 * Always: waking is not holding. Between the end of the place before and the look at the line the own lease may have ended
 * (etcd issue 11408): the line is read again, linearizably, and the own place must still be in it.
 */
import type { KeyValue } from '../../api/key-value.js'
import type { Revision } from '../../api/operations.js'
import type { Store } from '../../api/store.js'
import { AssertionError } from '../../base/assert.js'
import type { BytesLike } from '../../base/bytes.js'
import { StoreError } from '../../base/errors.js'
import { Entry, type Entered } from './entry.js'
import { readLine, untilGoneForSure, type Line, type Standing } from './line.js'
import { untilOutOfTheWay, type Obstacle, type Rule } from './obstacle.js'
import { Patience } from '../patience.js'
import { openSession, type Session } from '../session/session.js'
import { WatchfulController } from '../session/watchful-controller.js'

export interface PlaceOptions {
  readonly name: string
  /** Of the key. */
  readonly value: BytesLike
  readonly mark?: string | undefined
  readonly rule: Rule
  /** Whether {@link Place.moveToEnd} will be called. Default false. */
  readonly moves?: boolean | undefined
  /** A session that lives on when the place is given up, or how long the lease of one of its own is to live. */
  readonly session: Session | { readonly ttlMs: number }
}

/** The line as seen from a place in it. */
export interface View {
  readonly revision: Revision
  readonly contenders: readonly KeyValue[]
  /** Undefined: it holds. */
  readonly obstacle: Obstacle | undefined
}

export class Place {
  readonly store: Store
  readonly session: Session
  readonly #options: PlaceOptions
  readonly #shared: boolean
  readonly #entry: Entry
  readonly #controller = new WatchfulController(() => {
    // Where it finds that the session is over, this place is told before it answers.
    void this.session.signal.aborted
    void this.#followed?.aborted
  })
  readonly #sessionIsOver: () => void
  /** Of the session that was given, where the place has one of its own all the same: it ends with that. */
  readonly #followed: AbortSignal | undefined
  #entered: Entered | undefined
  #leaving: Promise<void> | undefined

  private constructor(store: Store, session: Session, options: PlaceOptions) {
    this.store = store
    this.session = session
    this.#options = options
    this.#shared = session === options.session
    this.#entry = new Entry(store, { ...options, session, outlived: this.#shared || options.moves === true })
    this.#sessionIsOver = (): void => {
      this.#over(session.signal.reason)
    }
    if (session.signal.aborted) this.#sessionIsOver()
    else session.signal.addEventListener('abort', this.#sessionIsOver, { once: true })
    if (!('lease' in options.session) || this.#shared) return
    this.#followed = options.session.signal
    if (this.#followed.aborted) this.#followedIsOver()
    else this.#followed.addEventListener('abort', this.#followedIsOver, { once: true })
  }

  /** Takes the last place in the line. Leaves nothing behind when it rejects. */
  static async take(store: Store, options: PlaceOptions, patience: Patience): Promise<Place> {
    const { session: given } = options
    const session = 'lease' in given && !given.isLittered ? given : await openSession(store, given, patience)
    const place = new Place(store, session, options)
    try {
      patience.endWith(place.signal)
      place.#entered = await patience.insist((signal) => place.#entry.enter(signal))
      return place
    } catch (error) {
      place.abandon()
      throw error
    }
  }

  get standing(): Standing {
    if (this.#entered === undefined) throw new AssertionError('nobody sees a place before it was taken')
    return this.#entered.standing
  }

  /** Aborts when the place is given up, lost, or can no longer be relied upon. It looks at the clock when it is asked. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** Resolves when nobody stands in the way of this place, with the line in which that was so. */
  async reachFront(patience: Patience): Promise<View> {
    let view = await this.#firstLook(patience)
    while (view.obstacle !== undefined) {
      const { obstacle, revision } = view
      await patience.insist((signal) => untilOutOfTheWay(this.store, this.#options.name, obstacle, revision, signal))
      view = await this.#look(patience)
    }
    return view
  }

  /** Takes the last place in the line instead of this one, with this mark. Only before anything is held by it. */
  async moveToEnd(mark: string, patience: Patience): Promise<void> {
    const standing = await patience.insist((signal) => this.#entry.moveToEnd(this.standing, mark, signal))
    if (standing === undefined) this.lose('its key was deleted')
    this.signal.throwIfAborted()
    if (standing !== undefined) this.#entered = { standing, line: undefined }
  }

  /** The revision at which nobody stands in the way of this place; undefined if somebody does. */
  async isFront(patience: Patience): Promise<Revision | undefined> {
    const { obstacle, revision } = await this.#firstLook(patience)
    return obstacle === undefined ? revision : undefined
  }

  /** Is lost with its key, which is watched from a revision on at which it was there. Whoever holds calls it once. */
  async loseWithKey(revision: Revision): Promise<void> {
    try {
      await untilGoneForSure(this.store, this.standing, revision, this.signal)
      this.lose('its key was removed')
    } catch (error) {
      // From there on nobody would tell us.
      this.lose('its key cannot be watched any more', error)
    }
  }

  /** For a reason found in the store: the key is gone, say. */
  lose(why: string, cause?: unknown): void {
    if (this.#controller.aborted) return
    if (!this.#shared) {
      this.session.lose(why, cause)
      return
    }
    this.#over(new StoreError('LOCK_LOST', `the place in the line is lost: ${why}`, { cause }))
    // A put that is still on its way must not bring it back.
    this.abandon()
  }

  /**
   * Aborts the signal, then gives the place up. Idempotent. When it rejects, calling again tries again; in a session of its
   * own the place ends at the latest with the lease.
   */
  end(): Promise<void> {
    // Before anything leaves: whoever acts under the signal stops before anybody else can take over.
    this.#over(new StoreError('LOCK_LOST', 'it was given back'))
    if (!this.#shared) return this.session.close()
    this.#leaving ??= this.#leave()
    return this.#leaving
  }

  /** Aborts the signal and gives nothing up: nobody else comes in before {@link end}. */
  stop(reason: unknown): void {
    this.#over(reason)
  }

  /** Gives the place up without waiting: for whoever has an error to report already. */
  abandon(): void {
    this.end().catch((error: unknown) => {
      const { logger } = this.store.environment
      logger.warn('a place in a line could not be given up and is left to its lease', { reason: String(error) })
    })
  }

  readonly #followedIsOver = (): void => {
    this.#over(this.#followed?.reason)
    this.session.abandon()
  }

  #over(reason: unknown): void {
    this.session.signal.removeEventListener('abort', this.#sessionIsOver)
    this.#followed?.removeEventListener('abort', this.#followedIsOver)
    this.#controller.abort(reason)
  }

  /** Tries for as long as the session lives: it keeps the key alive, and that would block all who stand behind. */
  async #leave(): Promise<void> {
    const patience = new Patience(this.store.environment, {})
    patience.endWith(this.session.signal)
    try {
      await patience.insist((signal) => this.#entry.leave(signal))
      void this.#tidy()
    } catch (error) {
      this.#leaving = undefined
      if (!this.session.signal.aborted) throw error
      // Over for all who share it: the end of its lease is what takes the key away now.
      await this.session.close()
    } finally {
      patience.end()
    }
  }

  async #tidy(): Promise<void> {
    const patience = new Patience(this.store.environment, {})
    patience.endWith(this.session.signal)
    try {
      await this.#entry.tidy(patience)
    } catch (error) {
      // It ends with the session, and so does all that is left.
      this.store.environment.logger.debug('a place in a line is left to its lease', { reason: String(error) })
    } finally {
      patience.end()
    }
  }

  /** What the transaction that entered has seen, if it has; else the line is read. */
  async #firstLook(patience: Patience): Promise<View> {
    const line = this.#entered?.line
    return line === undefined ? this.#look(patience) : this.#see(line)
  }

  async #look(patience: Patience): Promise<View> {
    const { name } = this.#options
    return this.#see(await patience.insist((signal) => readLine(this.store, name, { signal })))
  }

  #see({ contenders, revision }: Line): View {
    const { key, createRevision } = this.standing
    const own = contenders.findIndex((each) => each.key === key && each.createRevision === createRevision)
    if (own === -1) this.lose('its key was deleted')
    // By the clock, too: the answer may have been on its way for longer than the lease can be relied upon.
    this.signal.throwIfAborted()
    return { obstacle: this.#options.rule(contenders, own), contenders, revision }
  }
}

/**
 * Following a selection for ever: list it, watch it from the next revision on, and again where that fails.
 *
 *     list at R ── watch from R + 1 ── fails ── watch from where it was ── COMPACTED ── list at S ── watch from S + 1 ──
 *
 * Always: the watch starts with the revision after the list's. From "now" on, what happened between the two would never be
 * seen; from the list's own on, its last change would come twice.
 * Always: it never ends by itself but when the store has gone for good, and says so then. A watch that breaks is opened
 * again, after a pause that grows; one that says nothing while the cluster is ahead is taken for broken.
 * Always: revisions only grow. A list that is older than what was seen (a store that was set back to a backup) is not taken.
 */
import type { Selection } from '../../api/key-value.js'
import type { Revision } from '../../api/operations.js'
import type { Store, Watch, WatchEvent } from '../../api/store.js'
import { below } from '../../base/random.js'
import { isStoreError, type StoreError } from '../../base/errors.js'
import { LIMITS } from '../../base/limits.js'
import { endedByItself } from '../ended-by-itself.js'
import { Patience } from '../patience.js'
import { isForgotten, isStoreGone } from '../failures.js'

/** Who is told. What these throw counts as a failure of the watch. */
export interface Followed {
  /** Up to where everything is known. */
  readonly revision: Revision
  /** Reads all of the selection; resolves with the revision at which it did. */
  list(patience: Patience): Promise<Revision>
  /** All events of one revision. */
  changed(events: readonly WatchEvent[], revision: Revision): void
  /** Nothing but what was told happened up to `revision`. */
  progressed(revision: Revision): void
  /** Nothing will be told any more. */
  gone(error: StoreError): void
}

/** Milliseconds before what failed is tried again; doubled each time. */
const RETRY_MS_MIN = 100
/** Between two notices of progress, for when nobody asks for one: the place to go on from must not grow old. */
const PROGRESS_MS = 60_000
/** A watch that says nothing for so long while the cluster is ahead is opened anew. */
const SILENCE_MS_MAX = 10_000

export class Follower {
  readonly #store: Store
  readonly #selection: Selection
  readonly #followed: Followed
  readonly #signal: AbortSignal
  #mustList = false
  #watch: Watch | undefined
  /** Ends the watch, not the following. */
  #restart: AbortController | undefined
  #heardMs = 0
  #failures = 0
  #trouble: Error | undefined

  constructor(store: Store, selection: Selection, followed: Followed, signal: AbortSignal) {
    this.#store = store
    this.#selection = selection
    this.#followed = followed
    this.#signal = signal
  }

  /** Why it does not follow at the moment; undefined while it does. */
  get trouble(): Error | undefined {
    return this.#trouble
  }

  /** Settles when it was aborted or the store has gone, and never rejects. */
  async run(): Promise<void> {
    const patience = new Patience(this.#store.environment, { signal: this.#signal })
    try {
      while (!this.#signal.aborted) {
        const error = await this.#follow(patience)
        if (this.#signal.aborted || error === undefined) continue
        if (isStoreGone(error)) {
          this.#trouble = error
          this.#followed.gone(error)
          return
        }
        this.#failed(error)
        await patience.pause(this.#pauseMs())
      }
    } finally {
      patience.end()
    }
  }

  /** Has the watch tell how far it is. */
  requestProgress(): void {
    this.#watch?.requestProgress()
  }

  /** The cluster answered that it is not ahead: the watch has nothing to say. */
  isLevel(): void {
    if (this.#watch !== undefined) this.#heard()
  }

  /** The cluster answered that it is ahead, for so long now. */
  isBehind(ms: number): void {
    this.requestProgress()
    const silentMs = this.#nowMs - this.#heardMs
    if (this.#watch !== undefined && Math.min(ms, silentMs) > SILENCE_MS_MAX) this.#restart?.abort()
  }

  get #nowMs(): number {
    return this.#store.environment.clock.monotonicMs()
  }

  /** Follows until something fails; resolves with that, or undefined when it can go on at once. */
  async #follow(patience: Patience): Promise<Error | undefined> {
    try {
      if (this.#mustList) {
        await this.#followed.list(patience)
        this.#mustList = false
        this.#heard()
      }
      await this.#watchOn()
      return undefined
    } catch (error) {
      if (isForgotten(error)) {
        this.#mustList = true
        this.#trouble = error as Error
        return undefined
      }
      // What is too large was seen in part: the list tells when it is not so any more.
      if (isStoreError(error, 'VIEW_TOO_LARGE')) this.#mustList = true
      return error as Error
    }
  }

  async #watchOn(): Promise<void> {
    const followed = this.#followed
    const restart = new AbortController()
    const stop = (): void => {
      restart.abort()
    }
    this.#signal.addEventListener('abort', stop, { once: true })
    this.#restart = restart
    try {
      const watch = this.#store.watch(this.#selection, {
        startRevision: followed.revision + 1,
        progress: { everyMs: PROGRESS_MS },
        signal: restart.signal,
      })
      this.#watch = watch
      this.#heardMs = this.#nowMs
      watch.requestProgress()
      for await (const batch of watch.batches()) {
        this.#heard()
        if (batch.type === 'events') followed.changed(batch.events, batch.revision)
        else followed.progressed(batch.revision)
      }
    } finally {
      this.#watch = undefined
      this.#signal.removeEventListener('abort', stop)
    }
    if (!restart.signal.aborted) await endedByItself(this.#store, this.#selection, this.#signal)
  }

  #heard(): void {
    this.#heardMs = this.#nowMs
    this.#failures = 0
    this.#trouble = undefined
  }

  #failed(error: Error): void {
    if (this.#trouble === undefined) {
      const reason = String(error)
      this.#store.environment.logger.warn('a selection cannot be followed for the moment', { reason })
    }
    this.#trouble = error
    this.#failures++
  }

  /** Between half of it and all of it, by chance: not all views of a cluster come back in one moment. */
  #pauseMs(): number {
    const longestMs = Math.min(RETRY_MS_MIN * 2 ** (this.#failures - 1), LIMITS.viewRetryMsMax)
    return longestMs - below(this.#store.environment.random, Math.ceil(longestMs / 2))
  }
}

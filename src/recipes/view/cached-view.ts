/**
 * A local copy of a selection of keys, which keeps itself up to date and is read without waiting.
 *
 * Always: what it shows is what the store held at its `revision`, all of it and nothing else; and that revision only grows.
 * Always: how old it may be is counted from answers of the cluster (freshness.ts), so that a view on a member that is cut off
 * does not look fresh.
 * Not here: how it is followed (follower.ts), what it holds (view-contents.ts), what waits for consumers (change-feed.ts).
 */
import { setMaxListeners } from 'node:events'
import { CALL_FIELDS } from '../../api/check-call.js'
import { checkFields, kind } from '../../api/check-fields.js'
import { rangeOf, type KeyValue, type Selection } from '../../api/key-value.js'
import type { Revision } from '../../api/operations.js'
import type { Store, WatchEvent } from '../../api/store.js'
import { keyBytes, keyOf, type BytesLike } from '../../base/bytes.js'
import { StoreError } from '../../base/errors.js'
import { LIMITS } from '../../base/limits.js'
import { ChangeFeed } from './change-feed.js'
import { Condition } from '../condition.js'
import { Follower } from './follower.js'
import { Freshness } from './freshness.js'
import { checkStore } from '../check-store.js'
import { Patience, type WaitOptions } from '../patience.js'
import { readPages } from '../read-pages.js'
import type { Difference, ViewChanges } from './view-change.js'
import { ViewContents, type ViewFailure } from './view-contents.js'
import {
  checkChangesOptions,
  checkViewOptions,
  type Decode,
  type DecodedViewOptions,
  type ViewChangesOptions,
  type ViewOptions,
} from './view-options.js'
import { isForgotten } from '../failures.js'

export interface ViewGetOptions {
  /** Throw `VIEW_STALE` when the view was last known to be up to date longer ago. Default: take what is there. */
  readonly staleMsMax?: number | undefined
}

/**
 * A copy of a selection that follows the store until it is closed.
 *
 * @example
 * const flags = await CachedView.open(store, { prefix: 'flags/' }, { decode: (found) => found.json<boolean>() })
 * if (flags.get('flags/new-checkout')) renderNewCheckout()
 * for await (const change of flags.changes({ signal })) console.log(change.type, change.key, change.value)
 */
export class CachedView<Value = KeyValue> implements Iterable<[string, Value]>, AsyncDisposable {
  readonly #store: Store
  readonly #selection: Selection
  readonly #closing = new AbortController()
  readonly #follower: Follower
  readonly #freshness: Freshness
  readonly #feeds = new Set<ChangeFeed<Value>>()
  /** Another revision is shown, or nothing will be any more. */
  readonly #moved = new Condition()
  #contents: ViewContents<Value>
  #revision: Revision = 0
  #running: Promise<void> | undefined
  #gone: StoreError | undefined

  private constructor(store: Store, selection: Selection, options: DecodedViewOptions<Value>) {
    const { keysMax = LIMITS.viewKeysMax, bytesMax = LIMITS.viewBytesMax } = options
    const { signal } = this.#closing
    // Each call that waits listens, and Node would take more than ten for a leak.
    setMaxListeners(0, signal)
    this.#store = store
    this.#selection = selection
    this.#contents = new ViewContents<Value>(options.decode, { keysMax, bytesMax })
    const revision = (): Revision => this.#revision
    this.#freshness = new Freshness(store.environment, {
      everyMs: options.checkEveryMs ?? LIMITS.viewCheckMs,
      ask: (call) => this.#ask(call),
      revision,
      onAnswer: (behind) => {
        if (behind) this.#follower.isBehind(this.#freshness.behindMs)
        else this.#follower.isLevel()
      },
      signal,
    })
    const followed = {
      get revision() {
        return revision()
      },
      list: (patience: Patience) => this.#list(patience),
      changed: (events: readonly WatchEvent[], at: Revision) => {
        this.#changed(events, at)
      },
      progressed: (at: Revision) => {
        this.#show(this.#contents, at, [])
      },
      gone: (error: StoreError) => {
        this.#end(error)
      },
    }
    this.#follower = new Follower(store, selection, followed, signal)
  }

  /**
   * Resolves with a view that shows all of the selection, as of now. Rejects with `ABORTED` or `TIMEOUT` when waiting is
   * given up, `VIEW_TOO_LARGE`, and with what the store rejects with where that cannot pass (`PERMISSION_DENIED`, say).
   */
  static open<Value>(store: Store, selection: Selection, options: DecodedViewOptions<Value>): Promise<CachedView<Value>>
  static open(store: Store, selection: Selection, options?: ViewOptions): Promise<CachedView<KeyValue>>
  static async open(
    store: Store,
    selection: Selection,
    options: ViewOptions & { readonly decode?: Decode<unknown> } = {},
  ): Promise<CachedView<unknown>> {
    checkStore(store)
    checkViewOptions(options, 'CachedView.open()')
    rangeOf(selection)
    const view = new CachedView(store, selection, { ...options, decode: options.decode ?? ((found) => found) })
    const patience = new Patience(store.environment, options)
    try {
      await view.#list(patience)
    } finally {
      patience.end()
    }
    view.#running = view.#follower.run()
    view.#freshness.start()
    return view
  }

  /** What is shown under a key; undefined when nothing is. Throws `VIEW_STALE` where `staleMsMax` is given. */
  get(key: BytesLike, options?: ViewGetOptions): Value | undefined {
    if (options !== undefined) this.#checkFresh(options)
    return this.#contents.get(keyOf(key))
  }

  has(key: BytesLike): boolean {
    return this.#contents.has(keyOf(key))
  }

  /** How many keys are shown. */
  get size(): number {
    return this.#contents.size
  }

  /**
   * Keys, as text, and what is shown under them, in key order. They are those of one revision, that of the call, also for
   * a loop that waits in between.
   */
  entries(): IterableIterator<[string, Value]> {
    return this.#contents.entries()
  }

  *keys(): Generator<string, undefined, undefined> {
    for (const [key] of this.#contents.entries()) yield key
  }

  *values(): Generator<Value, undefined, undefined> {
    for (const [, value] of this.#contents.entries()) yield value
  }

  [Symbol.iterator](): IterableIterator<[string, Value]> {
    return this.entries()
  }

  /** The keys whose present value `decode` threw at, in key order. They are not shown. */
  get failures(): readonly ViewFailure[] {
    return [...this.#contents.failures()]
  }

  /** What the store held after this revision is what is shown. */
  get revision(): Revision {
    return this.#revision
  }

  /**
   * Everything that was acknowledged anywhere in the cluster longer than this many milliseconds ago is shown, or was
   * overwritten since. Grows while the member of this process is cut off. By the monotonic clock of this process.
   */
  get staleMs(): number {
    return this.#freshness.staleMs
  }

  /**
   * Why the view does not follow the store at the moment, or cannot tell whether it does; undefined otherwise. It tries again by itself, except after
   * `CLOSED`, `MEMBER_FAILED` and `MEMBER_REMOVED`.
   */
  get trouble(): Error | undefined {
    return this.#follower.trouble ?? this.#freshness.trouble
  }

  /**
   * Resolves when the view shows everything up to `revision`: to read your own writes, give the revision of the write. Rejects
   * with `ABORTED` or `TIMEOUT` when waiting is given up, and with `CLOSED` or the store's error when nothing can come any more.
   *
   * @example
   * const { revision } = await store.put('flags/new-checkout', 'true')
   * await flags.includes(revision, { timeoutMs: 1_000 })
   */
  async includes(revision: Revision, options: WaitOptions = {}): Promise<void> {
    checkFields(options, CALL_FIELDS, 'includes()')
    if (typeof revision !== 'number') throw new TypeError(`revision must be a number, not ${kind(revision)}`)
    if (!Number.isSafeInteger(revision) || revision < 0) {
      throw new RangeError(`revision must be a whole number from 0 on, not ${revision}`)
    }
    const patience = new Patience(this.#store.environment, options)
    try {
      patience.endWith(this.#closing.signal)
      patience.signal.throwIfAborted()
      if (revision > this.#revision) await this.#reach(revision, patience.signal)
    } finally {
      patience.end()
    }
  }

  /**
   * Every change from the call on: apply them in order to what is shown now, and you have what is shown later. A consumer
   * may be slow: when more than `backlogMax` wait for it, those of one key become one, with the last value and the
   * `previous` that the consumer knows. Several consumers do not disturb each other. Ends without an error when `signal`
   * aborts or the view is closed; throws when the store is closed or has failed.
   */
  changes(options: ViewChangesOptions = {}): ViewChanges<Value> {
    checkChangesOptions(options)
    const { signal, backlogMax = LIMITS.viewChangesMax } = options
    const close = (): void => {
      feed.close()
    }
    const feed = new ChangeFeed<Value>(backlogMax, () => {
      this.#feeds.delete(feed)
      signal?.removeEventListener('abort', close)
    })
    this.#feeds.add(feed)
    signal?.addEventListener('abort', close, { once: true })
    if (signal?.aborted === true || this.#closing.signal.aborted) close()
    else if (this.#gone !== undefined) feed.fail(this.#gone)
    return feed
  }

  /** Follows no more; what is shown stays. Idempotent. */
  async close(): Promise<void> {
    if (!this.#closing.signal.aborted) {
      this.#closing.abort(new StoreError('CLOSED', 'the view was closed'))
      for (const feed of this.#feeds) feed.close()
    }
    await this.#running
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #checkFresh(options: ViewGetOptions): void {
    checkFields(options, { staleMsMax: true }, 'get()')
    const { staleMsMax } = options
    if (staleMsMax === undefined) return
    if (typeof staleMsMax !== 'number') throw new TypeError(`staleMsMax must be a number, not ${kind(staleMsMax)}`)
    if (!(staleMsMax >= 0)) throw new RangeError(`staleMsMax must be 0 or more milliseconds, not ${staleMsMax}`)
    const { staleMs } = this
    if (staleMs <= staleMsMax) return
    throw new StoreError(
      'VIEW_STALE',
      `the view was last known to be up to date ${Math.round(staleMs)} ms ago, more than the ${staleMsMax} ms of staleMsMax`,
      { cause: this.trouble },
    )
  }

  /** The least key of the selection stands for all: whoever may read the selection may read it. */
  async #ask(call: { readonly timeoutMs?: number; readonly signal: AbortSignal }): Promise<Revision> {
    const key = keyBytes(rangeOf(this.#selection).key)
    return (await this.#store.range(key, { countOnly: true, ...call })).revision
  }

  async #list(patience: Patience): Promise<Revision> {
    for (;;) {
      const askedMs = this.#store.environment.clock.monotonicMs()
      try {
        return await this.#tryList(patience, askedMs)
      } catch (error) {
        // History moved on while the parts were read.
        if (!isForgotten(error)) throw error
      }
    }
  }

  async #tryList(patience: Patience, askedMs: number): Promise<Revision> {
    const shown = this.#contents
    const listed = shown.empty()
    const differences: Difference<Value>[] = []
    let revision: Revision = 0
    for await (const page of readPages(this.#store, this.#selection, patience)) {
      revision = page.revision
      for (const keyValue of page.items) {
        const difference = listed.put(keyValue, shown)
        if (difference !== undefined) differences.push(difference)
      }
    }
    if (revision < this.#revision) {
      throw new StoreError('FUTURE_REVISION', `the store is at ${revision}, and was at ${this.#revision} before`)
    }
    // As far as the list tells, things happened in this order; what was deleted in between it tells only now.
    differences.sort((a, b) => a.change.revision - b.change.revision)
    this.#show(listed, revision, [...differences, ...shown.missingIn(listed, revision)])
    this.#freshness.answered(askedMs, revision)
    return revision
  }

  #changed(events: readonly WatchEvent[], revision: Revision): void {
    const contents = this.#contents.clone()
    const differences: Difference<Value>[] = []
    for (const { type, keyValue } of events) {
      const difference =
        type === 'put' ? contents.put(keyValue) : contents.delete(keyOf(keyValue.keyBytes), keyValue.modRevision)
      if (difference !== undefined) differences.push(difference)
    }
    this.#show(contents, revision, differences)
  }

  /** The one place where what is shown changes. */
  #show(contents: ViewContents<Value>, revision: Revision, differences: readonly Difference<Value>[]): void {
    if (revision <= this.#revision || this.#closing.signal.aborted) return
    this.#contents = contents
    this.#revision = revision
    this.#freshness.reached()
    for (const feed of this.#feeds) feed.push(differences)
    this.#moved.tell()
  }

  async #reach(revision: Revision, signal: AbortSignal): Promise<void> {
    const reached = this.#moved.until(() => revision <= this.#revision || this.#gone !== undefined, signal)
    if (this.#gone === undefined) {
      // A notice tells what the own member has; the answer of the cluster has that wait for what it has not.
      this.#follower.requestProgress()
      this.#freshness.askNow()
    }
    await reached
    if (this.#gone !== undefined && revision > this.#revision) throw this.#gone
  }

  #end(error: StoreError): void {
    this.#gone = error
    this.#freshness.stop()
    for (const feed of this.#feeds) feed.fail(error)
    this.#moved.tell()
  }
}

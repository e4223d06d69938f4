/**
 * All watches of one member: takes each revision as it is applied and hands it to the watches it concerns.
 *
 * Always: publishing never waits, and costs only the watches that follow. A consumer that cannot keep up is caught up from
 * history by whoever runs the watch (watcher.ts says what it needs); it makes nobody else late.
 * Not here: reading history, the transport to a consumer, bookmarks by time.
 */
import { assert } from '../base/assert.js'
import { NEVER } from '../base/buggify.js'
import { StoreError } from '../base/errors.js'
import { LIMITS } from '../base/limits.js'
import type { Event, Revision } from '../mvcc/types.js'
import { validateKeys, validateRevision } from '../mvcc/validate.js'
import { Buffers, SharedBatch } from './buffers.js'
import type { Filter } from './filter.js'
import { Groups } from './group.js'
import { Watcher, type WatcherHost } from './watcher.js'

export interface WatchOptions extends Filter {
  /** The first revision of interest; 0 or undefined: the one after the current one. It may lie in the future. */
  readonly startRevision?: Revision | undefined
  /** What the store is at. */
  readonly currentRevision: Revision
}

export class WatchHub {
  readonly #groups = new Groups()
  readonly #lagging = new Set<Watcher>()
  readonly #host: WatcherHost
  readonly #buffers = new Buffers()
  #publishedRevision: Revision = 0
  #compactRevision: Revision
  #open = 0

  /** With what the loaded store has compacted: a watch from before must fail. */
  constructor(compactRevision: Revision, buggify = NEVER) {
    this.#compactRevision = compactRevision
    const published = () => this.#publishedRevision
    this.#host = {
      get publishedRevision() {
        return published()
      },
      follow: (watcher) => {
        this.#lagging.delete(watcher)
        this.#groups.add(watcher)
      },
      fallBehind: (watcher) => {
        this.#groups.remove(watcher)
        this.#lagging.add(watcher)
      },
      leave: (watcher) => this.#leave(watcher),
      buffers: this.#buffers,
      buggify,
    }
  }

  /** Watches that are open and have not failed. */
  get size(): number {
    return this.#open
  }

  /** Watches that are behind, and to be caught up from history. */
  get lagging(): number {
    return this.#lagging.size
  }

  /** Bytes of events that wait for consumers. */
  get bufferedBytes(): number {
    return this.#buffers.bytes
  }

  /** Throws `EMPTY_KEY`, `INVALID_REVISION`, `TOO_MANY_REQUESTS`. A start that was compacted is the watcher's `failure`. */
  open(options: WatchOptions): Watcher {
    validateKeys(options.key, options.rangeEnd)
    validateRevision(options.startRevision ?? 0)
    if (this.#open >= LIMITS.watchesMax) {
      throw new StoreError('TOO_MANY_REQUESTS', `${this.#open} watches are open on this member, which is the limit.`)
    }
    const { key, rangeEnd, noPut, noDelete, currentRevision } = options
    // Revisions that were applied but not yet published come from history too, and are not taken a second time.
    const openedRevision = Math.max(currentRevision, this.#publishedRevision)
    const startRevision = options.startRevision ? options.startRevision : openedRevision + 1
    const revisions = { startRevision, openedRevision, askedRevision: options.startRevision ?? 0 }
    const watcher = new Watcher(this.#host, { key, rangeEnd, noPut, noDelete }, revisions)
    this.#open++
    if (watcher.state === 'live') this.#groups.add(watcher)
    else {
      this.#lagging.add(watcher)
      watcher.compacted(this.#compactRevision)
    }
    return watcher
  }

  /** The events of one revision, in their order. */
  publish(revision: Revision, events: readonly Event[]): void {
    assert(
      revision > this.#publishedRevision,
      () => `revision ${revision} is published after ${this.#publishedRevision}`,
    )
    this.#publishedRevision = revision
    const woken: Watcher[] = []
    for (const group of this.#groups.gather(events)) {
      const batch = new SharedBatch(revision, group.gathered)
      group.gathered = []
      for (const watcher of group.watchers) if (watcher.offer(batch)) woken.push(watcher)
    }
    // Only now, so that no consumer looks at a hub that has published to some of its watches.
    for (const watcher of woken) watcher.wake()
  }

  /** The store was compacted: history before `revision` is no more. */
  compacted(revision: Revision): void {
    this.#compactRevision = Math.max(this.#compactRevision, revision)
    for (const watcher of [...this.#lagging]) watcher.compacted(this.#compactRevision)
  }

  /** The store took over a state of `revision` from elsewhere, and never publishes what lies between. Watches go on from history. */
  jumped(revision: Revision, compactRevision: Revision): void {
    const live = [...this.#groups.watchers()]
    for (const watcher of live) watcher.skipped()
    this.#publishedRevision = Math.max(this.#publishedRevision, revision)
    this.compacted(compactRevision)
  }

  #leave(watcher: Watcher): void {
    this.#lagging.delete(watcher)
    this.#groups.remove(watcher)
    this.#open--
  }
}
